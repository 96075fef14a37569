// An OpenID provider of another project, with a sign-in form that takes any name at any level. Arguments: port, JSON of its client.
// POST /renew-keys gives it new keys; nothing it signed before is forgotten, as when a provider renews its keys by night.
import { createServer } from "node:http";
import { generateKeyPairSync } from "node:crypto";
import { Provider } from "oidc-provider";

const [port, client] = [Number(process.argv[2]), JSON.parse(process.argv[3])];
const stored = new Map();
class Store {
  constructor(kind) { this.kind = kind; }
  key(id) { return `${this.kind}:${id}`; }
  async upsert(id, payload) { stored.set(this.key(id), { ...payload }); }
  async find(id) { return stored.get(this.key(id)); }
  async findByUid(uid) { return [...stored].find(([key, value]) => key.startsWith("Session:") && value.uid === uid)?.[1]; }
  async findByUserCode() { return undefined; }
  async consume(id) { stored.get(this.key(id)).consumed = Math.floor(Date.now() / 1000); }
  async destroy(id) { stored.delete(this.key(id)); }
  async revokeByGrantId(grant) { for (const [key, value] of stored) if (value.grantId === grant) stored.delete(key); }
}
let keys = 0;
function make() {
  keys += 1;
  const jwk = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });
  return new Provider(`http://127.0.0.1:${port}`, {
    adapter: Store,
    clients: [client],
    jwks: { keys: [{ ...jwk, use: "sig", alg: "RS256", kid: `key-${keys}` }] },
    cookies: { keys: ["only for tests"] },
    acrValues: ["low", "high"],
    claims: { openid: ["sub", "acr", "auth_time"], number: ["vn_number"] },
    scopes: ["openid", "number"],
    conformIdTokenClaims: false,
    fetch: (url, { dispatcher, ...options }) => globalThis.fetch(url, options), // its own guard lets nothing go to this machine
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true }, rpInitiatedLogout: { enabled: true } },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id, vn_number: id.startsWith("0") ? id : undefined }) }),
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
      grant.addOIDCScope("openid number");
      await grant.save();
      return grant;
    },
  });
}
let provider = make();

const PAGE = (uid) => `<!doctype html><title>Sign in</title><form method="post" action="/interaction/${uid}">
<label>Name <input name="name"></label><label>Level <input name="acr" value="low"></label><button>Go</button></form>
<a href="/interaction/${uid}/stop">Stop</a>`;

async function read(request) {
  let text = "";
  for await (const piece of request) text += piece;
  return new URLSearchParams(text);
}

createServer(async (request, response) => {
  const [, first, uid, stop] = request.url.split("?")[0].split("/");
  if (first === "renew-keys") { provider = make(); response.end("{}"); return; }
  if (first !== "interaction") { provider.callback()(request, response); return; }
  if (stop) { await provider.interactionFinished(request, response, { error: "access_denied" }); return; }
  if (request.method === "GET") { response.setHeader("content-type", "text/html"); response.end(PAGE(uid)); return; }
  const form = await read(request);
  await provider.interactionFinished(request, response, { login: { accountId: form.get("name"), acr: form.get("acr") } });
}).listen(port, "127.0.0.1", () => console.log("listening"));
