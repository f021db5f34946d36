// Real XMPP clients in one process, driven by JSON lines: a command a line in, an answer or event a line out.
//
// A command is {"seq", "do", "id", …}; its answer carries the same "seq". What happens to a client
// unasked comes without one. Nothing here knows the gate: it sees what Jitsi's client would see.

import { createInterface } from "node:readline";
import { webcrypto } from "node:crypto";

import { client, xml } from "@xmpp/client";
import WebSocket from "ws";

globalThis.WebSocket = WebSocket; // @xmpp/client wants the browser's; Node has none before 22
globalThis.crypto ??= webcrypto; // and none of these before 20

const MUC = "http://jabber.org/protocol/muc";
const MUC_USER = `${MUC}#user`;
const NICK = "http://jabber.org/protocol/nick";
const STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas";
const MEDIA = { "http://jitsi.org/jitmeet/audio": "audio", "http://jitsi.org/jitmeet/video": "video" };
const PATIENCE = 30_000; // milliseconds for each step of a connection; the caller has its own, shorter limit

const players = new Map();
const commands = { connect, join, leave, say, presence, iq, raw, disconnect, drop };

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const command = JSON.parse(line);
    try {
      commands[command.do](command);
    } catch (error) {
      answer(command, "failed", { text: String(error.message) });
    }
  })
  .on("close", () => process.exit(0));

function tell(id, event, fields = {}) {
  process.stdout.write(`${JSON.stringify({ id, event, ...fields })}\n`);
}

function answer(command, event, fields = {}) {
  tell(command.id, event, { seq: command.seq, ...fields });
}

function connect(command) {
  const { id, url, domain, token, room, username, password } = command;
  // The edge leads all of a room to one signalling host by this parameter, as Jitsi's own client names it.
  const query = new URLSearchParams(room === undefined ? { token } : { token, room });
  const service = token === undefined ? url : `${url}?${query}`;
  const xmpp = client({ service, domain, username, password, timeout: PATIENCE });
  xmpp.timeout = PATIENCE;
  xmpp.reconnect.stop(); // a refused person stays refused, and a test counts connections
  const player = { id, xmpp, domain, joins: new Map(), iqs: new Map(), nicks: new Map(), online: false };
  players.set(id, player);
  let refused = false;
  const refuse = (error) => {
    if (refused || player.online) return;
    refused = true;
    const kind = error.name === "SASLError" ? "refused" : "failed";
    answer(command, kind, { condition: error.condition ?? "", text: error.text ?? error.message ?? "" });
    xmpp.disconnect().catch(() => {}); // it is gone already when the server closed first
  };
  xmpp.on("error", (error) => {
    if (!player.online) return refuse(error);
    player.ending = { condition: error.condition ?? "", text: error.text ?? "" };
  });
  xmpp.on("disconnect", () => {
    if (!player.online) return refuse(new Error("the connection was closed"));
    player.online = false;
    tell(id, "disconnected", player.ending ?? {});
  });
  xmpp.on("stanza", (stanza) => onStanza(player, stanza));
  for (const [namespace, media] of Object.entries(MEDIA)) {
    xmpp.iqCallee.set(namespace, "mute", ({ stanza, element }) => {
      tell(id, "muted", { media, from: stanza.attrs.from, muted: element.text() === "true" });
      return true;
    });
  }
  xmpp
    .start()
    .then((jid) => {
      player.online = true;
      answer(command, "connected", { jid: jid.toString() });
    })
    .catch(refuse);
}

function roomJid(player, { room, lobby }) {
  return `${room}@${lobby ? "lobby" : "conference"}.${player.domain.replace(/^auth\./, "")}`;
}

// `name` is what the client claims to be called; the gate puts the account's name in its place.
function join(command) {
  const player = player_of(command);
  const to = `${roomJid(player, command)}/${command.nick}`;
  player.joins.set(to, command);
  player.nicks.set(roomJid(player, command), command.nick);
  const claimed = command.name === undefined ? [] : [xml("nick", { xmlns: NICK }, command.name)];
  send(player, xml("presence", { to }, xml("x", { xmlns: MUC }), ...claimed));
}

function leave(command) {
  const player = player_of(command);
  const jid = roomJid(player, command);
  send(player, xml("presence", { to: `${jid}/${player.nicks.get(jid)}`, type: "unavailable" }));
  answer(command, "sent");
}

function say(command) {
  const player = player_of(command);
  send(player, xml("message", { to: roomJid(player, command), type: "groupchat" }, xml("body", {}, command.text)));
  answer(command, "sent");
}

function presence(command) {
  const player = player_of(command);
  const jid = roomJid(player, command);
  send(player, xml("presence", { to: `${jid}/${player.nicks.get(jid)}` }, xml("nick", { xmlns: NICK }, command.name)));
  answer(command, "sent");
}

function iq(command) {
  const player = player_of(command);
  const id = `iq-${command.seq}`;
  player.iqs.set(id, command);
  const attributes = `id="${id}" type="${command.type}" to="${command.to}"`;
  void player.xmpp.write(`<iq xmlns="jabber:client" ${attributes}>${command.xml}</iq>`);
}

function raw(command) {
  void player_of(command).xmpp.write(command.xml);
  answer(command, "sent");
}

function disconnect(command) {
  player_of(command)
    .xmpp.stop()
    .catch(() => {}) // the server may have closed first
    .finally(() => answer(command, "sent"));
}

// As when the cable is pulled: no stream is closed.
function drop(command) {
  player_of(command).xmpp.socket.socket.terminate();
  answer(command, "sent");
}

function player_of({ id }) {
  const player = players.get(id);
  if (!player) throw new Error(`nobody is connected as ${id}`);
  return player;
}

function send(player, stanza) {
  player.xmpp.send(stanza).catch((error) => tell(player.id, "failed", { text: error.message }));
}

function onStanza(player, stanza) {
  if (stanza.is("presence")) onPresence(player, stanza);
  else if (stanza.is("message")) onMessage(player, stanza);
  else if (stanza.is("iq") && ["result", "error"].includes(stanza.attrs.type)) onIqAnswer(player, stanza);
}

function onPresence(player, stanza) {
  const { from, type } = stanza.attrs;
  const waiting = player.joins.get(from);
  if (type === "error") {
    if (waiting) onJoinError(player, from, waiting, stanza);
    else tell(player.id, "error", { from, ...errorOf(stanza) });
    return;
  }
  const x = stanza.getChild("x", MUC_USER);
  const item = x?.getChild("item");
  const codes = (x?.getChildren("status") ?? []).map((status) => status.attrs.code);
  const seen = {
    room: from.split("@")[0],
    lobby: from.split("@")[1].startsWith("lobby."),
    nick: from.slice(from.indexOf("/") + 1),
    name: stanza.getChildText("nick", NICK) ?? "",
    role: item?.attrs.role ?? "",
    affiliation: item?.attrs.affiliation ?? "",
    codes,
  };
  const own = codes.includes("110");
  if (waiting && own && type === undefined) {
    player.joins.delete(from);
    answer(waiting, "joined", seen);
  } else if (own && type === "unavailable") {
    const destroy = x.getChild("destroy");
    const reason = destroy ? destroy.getChildText("reason") : item?.getChildText("reason");
    const event = destroy ? "destroyed" : codes.includes("307") ? "kicked" : "left";
    tell(player.id, event, { ...seen, reason: reason ?? "" });
  } else {
    tell(player.id, type === "unavailable" ? "gone" : "seen", seen);
  }
}

function onJoinError(player, from, waiting, stanza) {
  player.joins.delete(from);
  const error = errorOf(stanza);
  const lobbyroom = stanza.getChild("error").getChildText("lobbyroom", "http://jitsi.org/jitmeet");
  if (error.condition === "registration-required" && lobbyroom) answer(waiting, "lobby", { ...error, lobbyroom });
  else answer(waiting, "turned_away", error);
}

function errorOf(stanza) {
  const error = stanza.getChild("error");
  const condition = error.children.find((child) => child.attrs?.xmlns === STANZAS && child.name !== "text");
  const text = error.getChildText("text", STANZAS) ?? "";
  return { condition: condition?.name ?? "", text, type: error.attrs.type, code: error.attrs.code ?? "" };
}

function onMessage(player, stanza) {
  const { from, type } = stanza.attrs;
  const invite = stanza.getChild("x", MUC_USER)?.getChild("invite");
  if (invite) tell(player.id, "invited", { room: from.split("@")[0], from });
  else if (type === "error") tell(player.id, "error", { from, ...errorOf(stanza) });
  else if (stanza.getChild("body")) {
    const name = stanza.getChildText("nick", NICK) ?? "";
    tell(player.id, "message", { room: from.split("@")[0], from, text: stanza.getChildText("body"), name });
  }
}

function onIqAnswer(player, stanza) {
  const command = player.iqs.get(stanza.attrs.id);
  if (!command) return;
  player.iqs.delete(stanza.attrs.id);
  const failed = stanza.attrs.type === "error" ? errorOf(stanza) : {};
  answer(command, "iq", { ...failed, type: stanza.attrs.type, xml: stanza.toString() });
}
