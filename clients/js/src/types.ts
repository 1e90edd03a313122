// What rules and replies consist of, and what the server tells.
//
// Everything that crosses the wire has the words of scenario files, as objects of the `openai`
// package have OpenAI's words; methods and their options are in camelCase.

import type { components } from "./generated/api.js";
import type { FaultName } from "./generated/faults.js";

type Schemas = components["schemas"];

// What is sent

/** A pattern, or several that are composed. */
export type Composed<P> =
  | P
  | { any_of: Composed<P>[] }
  | { all_of: Composed<P>[] }
  | { not: Composed<P> };

/** A number on one side of a limit. */
export type Comparison = { gt: number } | { ge: number } | { lt: number } | { le: number };

/** Text that must be equal, contain something, or match a regular expression; or a number. */
export type Pattern = Composed<
  string | RegExp | { contains: string } | { regex: string } | Comparison
>;

/** A whole number. */
export type CountPattern = Composed<number | Comparison>;

/** Which requests a rule answers. All conditions must hold. */
export interface Conditions {
  /** The text of the last message of the user. */
  user?: Pattern;
  /** Any system or developer message. */
  system?: Pattern;
  model?: Pattern;
  /** A tool that the request must offer, or several. */
  tools?: Pattern | Pattern[];
  /** The id of a tool call that a tool message answers. */
  tool_result?: Pattern;
  /** What a tool returned. */
  tool_content?: Pattern;
  /** How many messages of the assistant the conversation has. */
  turn?: CountPattern;
  /** OpenAI's name of the endpoint, such as `chat/completions`. */
  endpoint?: Pattern;
  headers?: Record<string, Pattern>;
  query?: Record<string, Pattern>;
  /** Patterns of values in the body, by their path, such as `messages[0].role`. */
  json?: Record<string, unknown>;
  /** Whether the request asks for a stream. */
  stream?: boolean;
  /** The number of the attempt within one logical call, counted from 1. */
  attempt?: CountPattern;
  /** The number of the request on its connection, counted from 1. */
  nth?: CountPattern;
  /** The minimum number of seconds since the first request. */
  after?: number;
}

/** A text, or the pieces it arrives in. */
export type Text = string | string[];

export interface ToolCall {
  name: string;
  arguments?: Record<string, unknown> | Text;
  id?: string;
  custom?: boolean;
}

/** An error of the API. */
export interface ApiError {
  status?: number;
  message?: string;
  type?: string;
  code?: string;
  param?: string;
  /** Seconds. */
  retry_after?: number;
  headers?: Record<string, string>;
  extra?: Record<string, unknown>;
}

/** What one choice says. */
export interface Choice {
  text?: Text;
  reasoning?: Text;
  refusal?: Text;
  tool_calls?: ToolCall[];
  function_call?: { name: string; arguments?: Record<string, unknown> | Text };
  logprobs?: unknown[];
  finish_reason?: string | null;
  /** Items of a response in order, each a text, or an object of one type name and its arguments. */
  output?: (string | Record<string, unknown>)[];
  audio?: Record<string, unknown>;
  annotations?: unknown[];
}

/** What the model says. */
export interface Message extends Choice {
  usage?: Record<string, unknown>;
  choices?: Choice[];
  error?: ApiError;
  /** Whether an error in a stream comes without the events that precede it. */
  alone?: boolean;
}

/**
 * What answers a request: a text, what the model says, a ready-made stream, a template, a JSON body,
 * the chunks of a stream, the lines of a stream file, or one of these with faults and a pace of its
 * own.
 */
export type Reply =
  | string
  | Message
  | { stream: string }
  | { template: string }
  | { json: Record<string, unknown> }
  | { script: unknown[] }
  | Record<string, unknown>[]
  | { reply: Reply; faults?: Fault[]; pace?: Pace; template?: boolean };

/** The name of a fault, or its name with its arguments: `"drop_done"`, `{ reset: { after: 3 } }`. */
export type Fault =
  | FaultName
  | (string & {})
  | { [name in FaultName]?: string | number | Record<string, unknown> | null };

/** A profile such as `gpt-4o`, `none`, or pauses in seconds. */
export type Pace =
  | string
  | {
      ttft?: number;
      itl?: number;
      jitter?: number;
      seed?: number | string;
      distribution?: string;
      stall_chance?: number;
      stall_seconds?: number;
      ttft_quantiles?: number[];
      itl_quantiles?: number[];
    };

/** How a rule answers. */
export interface ReplyOptions {
  faults?: Fault[];
  pace?: Pace;
  /** How many requests the rule answers at most. */
  times?: number;
  /** The probability that it answers a request that matches. */
  chance?: number;
  /** Whether each text of the reply is a template that quotes the request: `{{ request.user }}`. */
  template?: boolean;
  /** The provider to imitate, such as `azure`. */
  dialect?: string;
}

/** A rule of a scenario file. */
export type RuleDefinition = Conditions &
  ReplyOptions &
  ({ reply: Reply; replies?: never } | { replies: Reply[]; reply?: never });

/** The capacity of a model server: the name of a profile, perhaps with overrides, or values. */
export type Engine = string | Schemas["engine"];

/** The settings to change. */
export type SettingsChange = Omit<Schemas["SettingsChange"], "pace" | "engine" | "faults"> & {
  pace?: Pace | null;
  engine?: Engine | null;
  faults?: Fault[];
};

/** Which calls. */
export interface CallFilter {
  path?: string;
  /** OpenAI's name of the endpoint, such as `chat/completions`, under any base path. */
  endpoint?: string;
  model?: string;
  /** The number of the rule that answered. */
  rule?: number;
  /** Whether the call could not be answered or recorded. */
  problem?: boolean;
  /** Unix time in seconds at which the call arrived at the earliest. */
  since?: number;
}

// What is received

export type Settings = Schemas["Settings"];
export type EngineState = Schemas["EngineState"];
export type Verdict = Schemas["Verdict"];
export type RuleSummary = Schemas["RuleSummary"];
export type CallSummary = Schemas["CallSummary"];
export type RecordingList = Schemas["RecordingList"];
export type RecordingSummary = Schemas["RecordingSummary"];
export type Job = Schemas["JobSummary"];
export type WebhookEndpoint = Schemas["EndpointSummary"];
export type NewWebhookEndpoint = Schemas["NewEndpointSummary"];
export type WebhookDelivery = Schemas["DeliverySummary"];

/** A request; secrets are redacted. */
export interface RecordedRequest {
  method: string;
  url: string;
  headers: [string, string][];
  /** The body if it is JSON. */
  json?: any;
  /** The body if it is another text. */
  text?: string;
  /** Any other body. */
  base64?: string;
}

/** A call: a request, and how it was answered. */
export type Call = Omit<Schemas["CallDetail"], "request" | "response_headers"> & {
  request: RecordedRequest;
  response_headers: [string, string][];
  /** The messages of a chat completion; empty for other requests. */
  messages: any[];
};

/** An event of a response that the client has received. */
export interface DeliveredEvent {
  /** When it was written, in seconds since the request; undefined if that is not known. */
  at?: number;
  event?: string;
  id?: string;
  data: string;
  /** The data, if it is JSON. */
  json?: any;
}

/** What a client has received of a response. */
export interface DeliveredResponse {
  /** The events of a stream; empty if the response is none. */
  events: DeliveredEvent[];
  /** The body of a response that is no stream. */
  body?: string;
}

/** A call with what was delivered. */
export interface CallWithResponse extends Call {
  response: DeliveredResponse;
}

/** What is told about calls while they happen. */
export type FollowEvent =
  | { type: "start" | "end"; id: string; call: CallSummary }
  | { type: "progress"; calls: Progress[] }
  | { type: "reset"; id: string }
  | { type: "gap"; id: string; missing: number };

/** How far an open call is. */
export interface Progress {
  number: number;
  events: number;
  bytes: number;
  /** For how many seconds nothing was sent. */
  silent: number;
}
