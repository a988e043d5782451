// Logs one of everything with @maximai/maxim-js, to the server that $BASE_URL names.
"use strict";

const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { Maxim } = require("@maximai/maxim-js");

async function main() {
  const maxim = new Maxim({ baseUrl: process.env.BASE_URL, apiKey: process.env.API_KEY });
  const logger = await maxim.logger({ id: "js" });

  const session = logger.session({ id: "s1", name: "a session", tags: { plan: "gold" } });
  session.feedback({ score: 5, comment: "good" });
  const trace = session.trace({ id: "t1", name: "a trace" });
  trace.input("What is the weather?");
  trace.addTag("env", "prod");
  trace.event("e1", "looked up", { place: "Kyiv" });
  trace.addMetric("latency", 12.5);

  const span = trace.span({ id: "sp1", name: "a span" });
  const generation = span.generation({
    id: "g1",
    name: "answer",
    provider: "openai",
    model: "gpt-4o",
    messages: [{ role: "user", content: "What is the weather?" }],
    modelParameters: { temperature: 0.5 },
  });
  generation.result({
    id: "r1",
    object: "chat.completion",
    created: 1,
    model: "gpt-4o",
    choices: [{ index: 0, message: { role: "assistant", content: "Sunny." }, logprobs: null, finish_reason: "stop" }],
    usage: { prompt_tokens: 11, completion_tokens: 4, total_tokens: 15 },
  });
  generation.end();

  const failed = trace.generation({ id: "g2", provider: "openai", model: "gpt-4o", messages: [], modelParameters: {} });
  failed.error({ message: "rate limited", code: "429", type: "rate_limit" });

  const tool = trace.toolCall({ id: "c1", name: "weather", description: "looks the weather up", args: '{"place":"Kyiv"}' });
  tool.result('{"sky":"clear"}');

  const retrieval = span.retrieval({ id: "rt1", name: "docs" });
  retrieval.input("weather");
  retrieval.output(["one", "two"]);
  retrieval.end();

  trace.error({ id: "x1", message: "the second source is down", code: "503", type: "upstream" });

  const file = path.join(os.tmpdir(), "attached.txt");
  fs.writeFileSync(file, "attached by its path");
  trace.addAttachment({ id: "a1", type: "file", path: file, name: "attached.txt" });
  trace.addAttachment({ id: "a2", type: "fileData", data: Buffer.from("attached as bytes"), name: "bytes.txt" });
  trace.addAttachment({ id: "a3", type: "url", url: "https://example.com/a.png" });

  // A line of more than 900,000 bytes goes as a file of its own.
  const large = trace.span({ id: "sp2", name: "a large span" });
  large.addMetadata({ text: "x".repeat(1_200_000) });
  large.end();

  span.end();
  trace.output("It is sunny.");
  trace.end();
  session.end();
  await maxim.cleanup();
}

main().then(
  () => process.exit(0),
  (err) => {
    console.error(err);
    process.exit(1);
  },
);
