// What goes wrong: one error for all that the server refuses, and one for its verdict.

import type { Verdict } from "./types.js";

/** What an error is about, besides its sentence. */
export interface ErrorDetails {
  /** The HTTP status; undefined if there was no response. */
  status?: number | undefined;
  /** Where the mistake is in what was sent, such as `rules[0].reply.finish_reason`. */
  place?: string | undefined;
  /** What to do about it. */
  advice?: string | undefined;
  cause?: unknown;
}

/** The server refused a request, could not be reached, or could not be started. */
export class MockServerError extends Error {
  override name = "MockServerError";
  /** The server's sentence, or ours if the server said nothing. */
  readonly problem: string;
  readonly status: number | undefined;
  readonly place: string | undefined;
  readonly advice: string | undefined;

  constructor(problem: string, { status, place, advice, cause }: ErrorDetails = {}) {
    const sentence = place === undefined ? problem : `${place}: ${problem}`;
    super(advice === undefined ? sentence : `${sentence}\n${advice}`, { cause });
    this.problem = problem;
    this.status = status;
    this.place = place;
    this.advice = advice;
  }
}

/** `verify()` failed: a request was not answered by a rule, or a rule was not used. */
export class VerificationError extends MockServerError {
  override name = "VerificationError";
  readonly verdict: Verdict;

  constructor(verdict: Verdict) {
    super(verdict.message ?? "the verification failed");
    this.verdict = verdict;
  }
}
