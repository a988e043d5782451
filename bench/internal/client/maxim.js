// Runs the workload through @maximai/maxim-js and measures it. Reads a spec from
// standard input and writes the figures as the last line of standard output.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const { createHistogram } = require("node:perf_hooks");
const { setImmediate: yielded, setTimeout: sleep } = require("node:timers/promises");
const { v4: uuid } = require("uuid");
const { Maxim } = require("@maximai/maxim-js");

// The package does not export its package.json; the script's NODE_PATH is one folder.
const description = path.join(process.env.NODE_PATH, "@maximai", "maxim-js", "package.json");
const { version } = JSON.parse(fs.readFileSync(description, "utf8"));

console.log = console.error; // what the package says is not figures

const LINES_PER_TURN = 9;
const POLL_MS = 50;
const UNMOVED_NS = 1_000_000_000n; // then the sink's counts are final

const calls = createHistogram();
let inside = 0n;

// timed counts one call of the logger.
function timed(call) {
  const began = process.hrtime.bigint();
  const result = call();
  const took = process.hrtime.bigint() - began;
  inside += took;
  calls.record(took > 0n ? took : 1n);
  return result;
}

function turn(logger, text, response) {
  const trace = timed(() => logger.trace({ id: uuid(), name: text.name }));
  const generation = timed(() =>
    trace.generation({
      id: uuid(),
      provider: text.provider,
      model: text.model,
      messages: [
        { role: "system", content: text.system },
        { role: "user", content: text.user },
      ],
      modelParameters: { temperature: text.temperature },
    }),
  );
  timed(() => generation.result(response));
  const tool = timed(() => trace.toolCall({ id: uuid(), name: text.tool, description: "", args: text.toolArgs }));
  timed(() => tool.result(text.toolResult));
  timed(() => trace.output(text.answer));
  timed(() => trace.end());
}

const micros = (nanoseconds) => Number(nanoseconds) / 1e3;

function now() {
  const { user, system } = process.cpuUsage();
  return { at: process.hrtime.bigint(), cpu: user + system };
}

// settle returns when the sink's counts have moved for the last time.
async function settle(url, expected) {
  const fetched = async () => (await fetch(url + "/stats")).json();
  let end = now();
  let counts = await fetched();
  while (counts.lines < expected && process.hrtime.bigint() - end.at < UNMOVED_NS) {
    await sleep(POLL_MS);
    const next = await fetched();
    if (next.lines !== counts.lines) {
      end = now();
      counts = next;
    }
  }
  return { ...end, counts };
}

function timerOverhead() {
  const n = 100_000;
  const began = process.hrtime.bigint();
  for (let i = 0; i < n; i++) process.hrtime.bigint();
  return Number(process.hrtime.bigint() - began) / n;
}

function peakBytes() {
  const found = /VmHWM:\s+(\d+) kB/.exec(fs.readFileSync("/proc/self/status", "utf8"));
  return Number(found[1]) * 1024;
}

async function main() {
  const spec = JSON.parse(fs.readFileSync(0, "utf8"));
  const response = JSON.parse(spec.turn.response);
  const timerNanos = timerOverhead();
  const maxim = new Maxim({ baseUrl: spec.sinkURL, apiKey: uuid() });
  const logger = await maxim.logger({ id: "bench" });

  const began = now();
  for (let i = 0; i < spec.turns; i++) {
    turn(logger, spec.turn, response);
    await yielded(); // an agent waits for its model here; without it nothing is sent
  }
  await maxim.cleanup();
  const expected = spec.turns * LINES_PER_TURN;
  const end = await settle(spec.sinkURL, expected);

  const figures = {
    client: spec.client,
    version,
    turns: spec.turns,
    callerMicros: micros(inside) / spec.turns,
    p50Micros: micros(calls.percentile(50)),
    p99Micros: micros(calls.percentile(99)),
    maxMicros: micros(calls.max),
    turnsPerSecond: spec.turns / (Number(end.at - began.at) / 1e9),
    cpuMicros: (end.cpu - began.cpu) / spec.turns,
    peakMB: peakBytes() / 1e6,
    bytesPerTurn: end.counts.bytes / spec.turns,
    expected,
    counted: end.counts.lines,
    timerNanos,
  };
  process.stdout.write("\n" + JSON.stringify(figures) + "\n", () => process.exit(0));
}

main().catch((err) => {
  console.error(err);
  process.exit(1);
});
