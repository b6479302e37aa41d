// The calls of app.py, by the packages of npm: prints the same lines.
import { anthropic } from "@ai-sdk/anthropic";
import { openai } from "@ai-sdk/openai";
import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";
import { generateText, streamText } from "ai";
import OpenAI from "openai";

globalThis.AI_SDK_LOG_WARNINGS = false;
const prompt = process.argv[2] ?? "Hi";
const messages = [{ role: "user", content: prompt }];

async function joined(stream, text) {
  let whole = "";
  for await (const event of stream) whole += text(event) ?? "";
  return whole;
}

const calls = {
  "openai": async () => {
    const reply = await new OpenAI().chat.completions.create({ model: "gpt-4.1", messages });
    return reply.choices[0].message.content;
  },
  "openai, streamed": async () => {
    const asked = { model: "gpt-4.1", messages, stream: true };
    return joined(await new OpenAI().chat.completions.create(asked), (e) => e.choices[0]?.delta.content);
  },
  "openai responses": async () => {
    return (await new OpenAI().responses.create({ model: "gpt-4.1", input: prompt })).output_text;
  },
  "@anthropic-ai/sdk": async () => {
    const asked = { model: "claude", max_tokens: 9, messages };
    return (await new Anthropic().messages.create(asked)).content[0].text;
  },
  "@anthropic-ai/sdk, streamed": async () => {
    const asked = { model: "claude", max_tokens: 9, messages, stream: true };
    return joined(await new Anthropic().messages.create(asked), (e) => e.delta?.text);
  },
  "@google/genai": async () => {
    const asked = { model: "gemini-2.5-flash", contents: prompt };
    return (await new GoogleGenAI({ apiVersion: "v1" }).models.generateContent(asked)).text;
  },
  "@google/genai, streamed": async () => {
    const asked = { model: "gemini-2.5-flash", contents: prompt };
    return joined(await new GoogleGenAI({ apiVersion: "v1" }).models.generateContentStream(asked), (e) => e.text);
  },
  "ai with @ai-sdk/openai": async () => {
    return (await generateText({ model: openai("gpt-4.1"), prompt, maxRetries: 0 })).text;
  },
  "ai with @ai-sdk/openai, streamed": async () => {
    return joined(streamText({ model: openai("gpt-4.1"), prompt, maxRetries: 0 }).textStream, (e) => e);
  },
  "ai with @ai-sdk/anthropic": async () => {
    return (await generateText({ model: anthropic("claude"), prompt, maxRetries: 0 })).text;
  },
};

const chosen = process.argv[3];
for (const [name, call] of Object.entries(calls)) {
  if (!chosen || name === chosen) console.log(`${name}: ${await call()}`);
}
