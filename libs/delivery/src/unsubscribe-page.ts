/** Pages for the recipient: plain HTML, readable by anything, no script. */
const page = (title: string, content: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
<style>
body{margin:0;font:1rem/1.5 system-ui,sans-serif;color:#1f2933;background:#f2f4f7}
main{max-width:32rem;margin:10vh auto;padding:2rem;background:#fff;border-radius:8px}
h1{margin-top:0;font-size:1.5rem}
button{font:inherit;font-weight:600;padding:.75rem 1.5rem;border:0;border-radius:6px;color:#fff;background:#0b69a3;cursor:pointer}
button:focus-visible{outline:3px solid #f0b429;outline-offset:2px}
</style>
</head>
<body>
<main>
<h1>${title}</h1>
${content}
</main>
</body>
</html>`;

/** Asks, and changes nothing: link scanners follow links, too. */
export const ASK_PAGE = page(
  'Unsubscribe from our emails?',
  `<p>You will get no more marketing emails from us. Messages about your orders still reach you.</p>
<form method="post"><button type="submit">Unsubscribe</button></form>`,
);

export const DONE_PAGE = page('You are unsubscribed', '<p role="status">You will get no more marketing emails from us.</p>');
