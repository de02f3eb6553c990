interface Running {
  api: string;
  inbox: string | null;
  /** Null when tokens are verified with an external key set. */
  token: string | null;
  /** From `npm start` to ready. */
  seconds: number;
}

/** What a newcomer needs next, each line ready to paste. */
export const banner = ({ api, inbox, token, seconds }: Running): string => `
Ready after ${seconds.toFixed(1)} s. Ctrl-C stops everything; the data stays.

  Swagger UI   ${api}/docs
  API          ${api}/api/v1/marketing
  OpenAPI      ${api}/openapi.json${inbox === null ? '' : `\n  Mail inbox   ${inbox}`}

${token === null ? 'Tokens come from JWT_JWKS_URL.\n' : tokenLines(api, token)}`;

const tokenLines = (api: string, token: string): string => `A token for the tenant "demo" (paste it into Swagger's Authorize):

${token}

Try it:

curl -s '${api}/api/v1/marketing/campaigns?limit=3' -H 'Authorization: Bearer ${token}'
`;
