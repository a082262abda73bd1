// Runs node-media-server on free ports of loopback, and says on stdout where they are and when a recording is whole.
// Arguments: folder of node_modules, working folder (with cert.pem and key.pem). Ends when stdin does.
"use strict";

const net = require("node:net");
const path = require("node:path");
const tls = require("node:tls");

const [modules, folder] = process.argv.slice(2);
const say = (line) => process.stdout.write(`genlock:${line}\n`);

const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (...args) {
  this.once("listening", () => say(`${this instanceof tls.Server ? "rtmps" : "rtmp"}=${this.address().port}`));
  return listen.apply(this, args);
};

const NodeMediaServer = require(path.join(modules, "node-media-server"));
const context = require(path.join(modules, "node-media-server/src/core/context.js"));
const server = new NodeMediaServer({
  bind: "127.0.0.1",
  // As text, since the server takes the number 0 for "no port".
  rtmp: { port: "0" },
  rtmps: { port: "0", key: path.join(folder, "key.pem"), cert: path.join(folder, "cert.pem") },
  record: { auto: true, path: folder },
  store: { path: path.join(folder, "store") },
  webadmin: { enable: false },
});
// It would wait 30 seconds for the publisher to come back before it closes the recording.
server.on("postPublish", (session) => {
  context.broadcasts.get(session.streamPath).publishGraceMs = 0;
});
server.on("doneRecord", (session) => session.fileStream.once("close", () => say(`recorded=${session.filePath}`)));
server.run().then(() => say("ready="));

process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
