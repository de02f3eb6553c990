import { isURL, ValidateBy } from 'class-validator';

const RULES = { protocols: ['https', 'http'], require_protocol: true, require_tld: false, disallow_auth: true };

/** A URL that can be called over HTTP. The validator's rules alone accept some that cannot, such as `https://xn--iñvalid.com`. */
export const IsHttpUrl = ({ fragment = true } = {}): PropertyDecorator =>
  ValidateBy({
    name: 'isUrl',
    validator: {
      validate: (value: unknown) => typeof value === 'string' && isURL(value, { ...RULES, allow_fragments: fragment }) && URL.canParse(value),
      defaultMessage: () => '$property must be a URL address',
    },
  });
