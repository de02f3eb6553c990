/** A key of no account, made for this page: what stands there works when it is pasted. */
const KEY = [
  'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCrMIjt2E3YnfYTDWvuduybZlPpEW5EPe6B9BzWvAPtdkXcqlv/UQzIxqGqpOG9FuB4rpaKZKjwzicT',
  'kK5gxlDh5gNQ6GV674tJiVS21EwWsowA2lmjq59W3nEcNuAjb4hQGR9ge2w0sRq0fMJWL7wWQYvU2yw0lCbRkDmkIQXs2Q4FpzC5s54Hbmy8qtO8gPb6wGUjUo9AWhRt',
  'ykDfmfqDM8FN8h2PxCLouWdxNEksybhJzyLOBA26iqKOJDWRW7KZ1LSzuNcmC5HockSbJ4DwtBvPq8uC9GDmDIcC+fHMuwmvtdKqlmGO2FeZSfllVnmEjJf6uJFPVnet',
  'kHWki6jfAgMBAAECggEAQqbcgWJo+NCTyRo+LjP+bojaXdHsEUTdsppFijPdAZ09mSt5M0CuzhNMSaD1xUX9cu9i7JJBlrRlUYBQ7Jv6TOHd46gALuvKWwDNy3t//oxY',
  '51IceZWuLcfg2T/iZ9mahLkrVsjnOeLEx4YVsjHWtQGjPGZzYStXq9tQHf+/i1XaQKM0/BCVsOiBBbqixbp/bYNbR09M7mIKI5phxqDSvIFugHm5iSl4MD+G0oNMmueF',
  '5shQKten98govypn+nZHJzasl3Qs8+9qDdbceH3u/o7tczyiV04HN+EL/iJ7hEoqzLaNJ+ApQTiobYvjg9YtC81ITvIcnMh7Tq+dVZgDMQKBgQDX2ypYoHKjmkGlWfic',
  'FczeU9YnMg91Q5qra7EQCrGijdHWvqHMloiTNh8Q7Kr0Pug1Iuf1TTw68wzBQyc+srT0EOCEbfJaZ07eLepbIdKDYqg2GNCkvBVcfihAnvXxdnywcL+WEkxyE2ZnCcwO',
  '/I7rwYk9qIDuVmTvOWZDL9LqrwKBgQDLBs/Maa4yaL0OHShjR6QG/osA3x9FsWmKNcbZL4mGkoDXkFRssfM6FMvHTNk9wGgDUSN+t2U9G1BYo5IPJ79IfXK0As8qoZF8',
  'eIqgtUS491sSCs8dzuYOEDFoZ6H3DILfCJS631uBqQEqVPfB6PIVahmMkqIbujPxmFQdFYrw0QKBgQCebmhoYGuEFSZ1nNHSjlWuIU6fuiiKYzJU+1gcdBzpOLp5qbXM',
  'GfjoQ+MNYwge+UUqKxKhgyzf/6CvAQD/Dd+u++wuhxxIqmbCwGSwuuRuNq1L9268Wqg7GQWmWIYf0l22iyqzlX6yg/a3TgOORGUKOSToMpNfW939j921FpbyVQKBgH4B',
  'vUiuMopgzS2MVTvBBAG/S8B/uqYDpXA9TiwPv/hAxyyDDJLlowLiU1Nf09jqqOOeITyNUI0rfaN16bn0PlkcWut0buWTn3s0ST3TI1L1WpWJFeD3P3ts+21EHJb7MeKB',
  'LeYJqH6ByRJf5+F21YEK985yV6CD4adJlrLyYuhxAoGAdgBQ3llXWLBtT3ZkitU11nYnA8FVsUoFBfrQc7BW/1Qyn2RaHkidqnOya2VI3mDOEBemHd8E+P1SvV7wVv92',
  '/6pF8MRd+cwS/TkK73qGUqT3UexubpAelQRjyUogIu1kUIC8UZDr8j5D5j2YDfdIrhcgMaI0tURA6Hb255Vyuj8=',
].join('').replace(/.{64}/g, '$&\n');

export const FCM_ACCOUNT = {
  client_email: 'firebase-adminsdk@trattoria-app.iam.gserviceaccount.com',
  project_id: 'trattoria-app',
  private_key: `-----BEGIN PRIVATE KEY-----\n${KEY.trimEnd()}\n-----END PRIVATE KEY-----\n`,
};
