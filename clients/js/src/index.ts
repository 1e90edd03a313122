// Steers openai-mockserver, a fake OpenAI server, over its control API.

export { MockServerError, VerificationError } from "./errors.js";
export type { FollowOptions } from "./follow.js";
export type { Jobs, Webhooks } from "./jobs.js";
export { MockOpenAI, type Recordings } from "./mock.js";
export type { Rule, RuleBuilder } from "./rules.js";
export { startMockOpenAI, type StartOptions } from "./start.js";
export type * from "./types.js";
