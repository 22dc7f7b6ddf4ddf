// An app as its author would write it, on the official web SDK.
"use strict";

const app = (() => {
  const { Client, Account, Databases, TablesDB, Realtime, ID } = Appwrite;
  let client, account, databases, tables, realtime;
  const received = {};

  function keep(name) {
    received[name] = [];
    return (event) => received[name].push(event);
  }

  const calls = {
    ping: () => client.ping(),
    signUp: (email, password, name) => account.create(ID.unique(), email, password, name),
    logIn: (email, password) => account.createEmailPasswordSession(email, password),
    signInWith: (provider, home) =>
      void setTimeout(() => account.createOAuth2Session(provider, home, home)),
    me: () => account.get(),
    sessions: () => account.listSessions(),
    changePrefs: (prefs) => account.updatePrefs(prefs),
    logOut: () => account.deleteSession("current"),
    token: () => account.createJWT(),
    actByToken: (jwt) => new Account(clone().setJWT(jwt)).get(),

    addPasskey: async (name) => {
      const asked = await post("/account/passkeys", { name });
      const credential = await navigator.credentials.create({
        publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(asked.publicKey),
      });
      return put(`/account/passkeys/${asked.passkeyId}/verification`, { credential });
    },
    signInByPasskey: async () => {
      const asked = await post("/account/tokens/passkey", {});
      const credential = await navigator.credentials.get({
        publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(asked.publicKey),
      });
      const token = await put("/account/tokens/passkey", { challengeId: asked.$id, credential });
      return account.createSession(token.userId, token.secret);
    },

    write: (database, collection, data, permissions) =>
      databases.createDocument(database, collection, ID.unique(), data, permissions),
    read: (database, collection, id) => databases.getDocument(database, collection, id),
    list: (database, collection, queries) =>
      databases.listDocuments(database, collection, queries.map(query)),
    change: (database, collection, id, data) =>
      databases.updateDocument(database, collection, id, data),
    remove: (database, collection, id) => databases.deleteDocument(database, collection, id),
    writeRow: (database, table, data, permissions) =>
      tables.createRow({ databaseId: database, tableId: table, rowId: ID.unique(), data, permissions }),
    listRows: (database, table, queries) =>
      tables.listRows({ databaseId: database, tableId: table, queries: queries.map(query) }),

    watch: (name, channels) => void client.subscribe(channels, keep(name)),
    watchByService: async (name, channels, queries) =>
      void (await realtime.subscribe(channels, keep(name), queries.map(query))),
    watchByBuilder: async (name, database, collection) => {
      const channel = Appwrite.Channel.database(database).collection(collection).document();
      await realtime.subscribe(channel, keep(name));
    },
    eventsAsText: (name) => JSON.stringify(received[name] ?? []),
  };

  // The SDK has no methods for passkeys yet.
  const post = (path, body) => send("post", path, body);
  const put = (path, { credential, ...body }) =>
    send("put", path, { ...body, credential: credential.toJSON() });

  function send(method, path, body) {
    const address = new URL(client.config.endpoint + path);
    const headers = {
      "X-Appwrite-Project": client.config.project,
      "content-type": "application/json",
    };
    return client.call(method, address, headers, body);
  }

  function query([method, ...given]) {
    return Appwrite.Query[method](...given);
  }

  function clone() {
    return new Client().setEndpoint(client.config.endpoint).setProject(client.config.project);
  }

  return {
    connect(endpoint, project) {
      client = new Client().setEndpoint(endpoint).setProject(project);
      account = new Account(client);
      databases = new Databases(client);
      tables = new TablesDB(client);
      realtime = new Realtime(client);
    },
    events: (name) => received[name] ?? [],
    async attempt(name, given) {
      try {
        const value = await calls[name](...given);
        return { value: value === undefined ? null : JSON.parse(JSON.stringify(value)) };
      } catch (error) {
        const { name: kind, message, code, type } = error;
        return { error: { name: kind, message, code, type } };
      }
    },
  };
})();
