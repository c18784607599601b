// A real OAuth provider (oidc-provider, certified for OpenID Connect) in this process, and somebody who signs
// in there without a browser.

import { once } from "node:events";
import { createServer } from "node:http";

import { Provider } from "oidc-provider";

/** A secret with everything in it that HTTP Basic gets wrong where it is not form-encoded first. */
export const awkwardSecret = "s:/+%25 ~&=end";

/** A client that is registered for a program on somebody's machine. */
export const client = (client_id, token_endpoint_auth_method, more = {}) => ({
  client_id,
  token_endpoint_auth_method,
  application_type: "native",
  grant_types: ["authorization_code", "refresh_token"],
  redirect_uris: ["http://127.0.0.1/callback"],
  ...more,
});

/** A running provider with three clients. Refresh tokens rotate, and PKCE is required. */
export class OAuthProvider {
  /** Starts it; its access tokens are good for so many seconds. `clients` and `scopes` are known beside its own, `routes`
   * has paths for endpoints that are elsewhere than usual, and `resources` what each path gives to who has a token. */
  static async start({ accessTokenSeconds = 3600, clients = [], scopes = [], routes = {}, resources = {} } = {}) {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const issuer = `http://127.0.0.1:${server.address().port}`;
    const provider = new Provider(issuer, {
      clients: [
        client("public", "none"),
        client("post", "client_secret_post", { client_secret: awkwardSecret }),
        client("basic", "client_secret_basic", { client_secret: awkwardSecret }),
        ...clients,
      ],
      scopes: ["openid", "offline_access", "read", "write", ...scopes],
      routes,
      pkce: { required: () => true },
      rotateRefreshToken: true,
      issueRefreshToken: async () => true,
      // What follows is to be set where it is not for tests alone.
      cookies: { keys: ["tests"] },
      findAccount: async (_, accountId) => ({ accountId, claims: async () => ({ sub: accountId }) }),
      ttl: { AccessToken: accessTokenSeconds, RefreshToken: 3600, Session: 3600, Grant: 3600, Interaction: 600, IdToken: 3600 },
    });
    provider.use(async (ctx, next) => {
      if (!(ctx.path in resources)) return next();
      const token = ctx.get("authorization").replace("Bearer ", "");
      if (await provider.AccessToken.find(token)) ctx.body = resources[ctx.path];
      else ctx.status = 401;
    });
    const started = new OAuthProvider(server, issuer);
    provider.on("grant.success", ({ oidc }) => started.grants.push(oidc.params.grant_type));
    provider.on("grant.error", ({ oidc }, error) => started.errors.push(`${oidc.params?.grant_type}: ${error.error}`));
    provider.on("refresh_token.saved", (token) => started.#consents.add(token.grantId));
    started.#provider = provider;
    server.on("request", provider.callback());
    return started;
  }

  /** The grants that it gave tokens for, in their order, and the errors that it answered. */
  grants = [];
  errors = [];
  #server;
  #provider;
  #consents = new Set();

  constructor(server, issuer) {
    this.#server = server;
    this.issuer = issuer;
  }

  /** The client of that id, as a request for a token describes it. */
  client(client_id, scopes = ["openid", "read"]) {
    return {
      client_id,
      client_secret: client_id === "public" ? null : awkwardSecret,
      authorization_endpoint: `${this.issuer}/auth`,
      token_endpoint: `${this.issuer}/token`,
      no_pkce: false,
      scopes,
    };
  }

  /** Whether it knows this access token: who has one gets what is at `path`. */
  async knows(token, path = "/me") {
    const answer = await fetch(this.issuer + path, { headers: { authorization: `Bearer ${token}` } });
    return answer.status === 200;
  }

  /** Takes every consent back, and with it every token, as a user may. */
  async revokeAll() {
    for (const id of this.#consents) await this.#provider.RefreshToken.revokeByGrantId(id);
  }

  async stop() {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

/** Signs in and consents at `url` as a browser would; gives the address that the provider ends on. */
export async function signIn(url, { deny = false } = {}) {
  const cookies = new Map();
  let request = { url: new URL(url), method: "GET" };
  for (let hop = 0; hop < 20; hop++) {
    if (request.url.pathname === "/callback") return request.url;
    const answer = await fetch(request.url, {
      method: request.method,
      body: request.body,
      redirect: "manual",
      headers: { cookie: [...cookies].map((pair) => pair.join("=")).join("; ") },
    });
    for (const cookie of answer.headers.getSetCookie()) {
      const [name, value] = cookie.split(";", 1)[0].split(/=(.*)/s);
      if (value) cookies.set(name, value);
      else cookies.delete(name);
    }
    const location = answer.headers.get("location");
    if (location) {
      request = { url: new URL(location, request.url), method: "GET" };
      continue;
    }
    const page = await answer.text();
    const form = /<form[^>]*action="([^"]+)"/.exec(page);
    if (!form) throw new Error(`${answer.status} at ${request.url}: ${page}`);
    const prompt = /name="prompt" value="([^"]+)"/.exec(page)[1];
    if (deny && prompt === "consent") {
      request = { url: new URL(/href="([^"]+abort)"/.exec(page)[1], request.url), method: "GET" };
    } else {
      request = {
        url: new URL(form[1], request.url),
        method: "POST",
        body: new URLSearchParams({ prompt, login: "bob", password: "any" }),
      };
    }
  }
  throw new Error("the sign-in goes round in circles");
}
