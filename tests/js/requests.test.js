import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import { ask, Refused, sentence } from "../../static/js/helpers/requests.js";

/** Answers of a server, by path. The last two never complete. */
const ANSWERS = {
  "/whole": (response) => response.writeHead(201).end('{"id": "a"}'),
  "/refused": (response) =>
    response.writeHead(422, { "Retry-After": "7" }).end('{"message": "No.", "problems": {"text": "Empty."}}'),
  "/odd": (response) => response.writeHead(502).end("<h1>Bad gateway</h1>"),
  "/portal": (response) => response.writeHead(200).end("<h1>Please sign in to this network</h1>"),
  "/cut": (response) => {
    response.writeHead(201, { "Content-Length": 100 }).write('{"id":');
    setTimeout(() => response.destroy(), 20);
  },
  "/silent": () => {},
  "/stuck": (response) => response.writeHead(201, { "Content-Length": 100 }).write('{"id":'),
};
const server = createServer((request, response) => ANSWERS[request.url](response));
const address = (path) => `http://127.0.0.1:${server.address().port}${path}`;

before(() => new Promise((listening) => server.listen(0, "127.0.0.1", listening)));
after(() => {
  server.closeAllConnections();
  server.close();
});

test("the result is the JSON of the answer", async () => {
  assert.deepEqual(await ask(address("/whole")), { id: "a" });
});

test("a refusal says what is wrong and when to try again", async () => {
  const refused = await ask(address("/refused")).catch((error) => error);
  assert.ok(refused instanceof Refused);
  assert.deepEqual([refused.status, refused.problems, refused.retryAfter], [422, { text: "Empty." }, 7]);
  assert.ok((await ask(address("/odd")).catch((error) => error)) instanceof Refused);
});

test("an answer that is cut off or comes from a captive portal counts as no answer", async () => {
  for (const path of ["/cut", "/portal"]) {
    const error = await ask(address(path)).then(assert.fail, (error) => error);
    assert.match(sentence(error), /cannot be reached/, path);
  }
});

test("a request to a server that never answers ends at the timeout", async () => {
  for (const path of ["/silent", "/stuck"]) {
    const error = await ask(address(path), {}, 50).then(assert.fail, (error) => error);
    assert.match(sentence(error), /cannot be reached/, path);
  }
});
