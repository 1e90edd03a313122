// Made by `npm run generate`; do not edit.

export interface paths {
    "/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the server is up */
        get: operations["getHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/health/live": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the process lives */
        get: operations["isLive"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/health/ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the server answers requests; 503 while its engine starts up */
        get: operations["isReady"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/rules": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the rules */
        get: operations["listRules"];
        /** Replace all rules at once */
        put: operations["replaceRules"];
        /** Add a rule, or a list of rules */
        post: operations["addRules"];
        /** Delete all rules */
        delete: operations["deleteRules"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/rules/{number}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get a rule */
        get: operations["getRule"];
        put?: never;
        post?: never;
        /** Delete a rule */
        delete: operations["deleteRule"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/calls": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List calls, page by page */
        get: operations["listCalls"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/calls/follow": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Follow the calls as an event stream */
        get: operations["followCalls"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/calls/har": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get calls as a HAR file */
        get: operations["getHar"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/calls/{number}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get a call with its request, and what was written when */
        get: operations["getCall"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/calls/{number}/response": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get the response to a call as a stream file */
        get: operations["getResponse"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/calls/{number}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Take a response apart: its events, what it says, and what is odd about it */
        get: operations["listEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/calls/{number}/near-misses": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Say why each rule does not answer a call */
        get: operations["listNearMisses"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/choices": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the faults with their arguments, the paces and the dialects */
        get: operations["listChoices"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/streams": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the ready-made streams */
        get: operations["listStreams"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/calls/{number}/curl": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get the request as a command for curl */
        get: operations["getCurl"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/calls/{number}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get a call as a test for pytest */
        get: operations["getTest"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/calls/{number}/rule": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get a rule that answers the request again, for a scenario file */
        get: operations["getRuleOfCall"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/problems": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the calls that could not be answered or recorded */
        get: operations["listProblems"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Check what the pytest fixture checks at the end of a test */
        get: operations["verify"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/reset": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Forget rules, calls and created objects */
        post: operations["reset"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/settings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get the settings */
        get: operations["getSettings"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Change some settings at once */
        patch: operations["changeSettings"];
        trace?: never;
    };
    "/_mock/engine": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get the capacity of the mock, and what it does with it */
        get: operations["getEngine"];
        /** Begin with another engine */
        put: operations["setEngine"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/sandboxes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the sandboxes */
        get: operations["listSandboxes"];
        put?: never;
        /** Create a sandbox */
        post: operations["createSandbox"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/sandboxes/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get a sandbox */
        get: operations["getSandbox"];
        put?: never;
        post?: never;
        /** Delete a sandbox */
        delete: operations["deleteSandbox"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/recordings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the recordings */
        get: operations["listRecordings"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/recordings/start": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Record the responses of an upstream to requests that no rule answers */
        post: operations["startRecording"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/recordings/stop": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Stop recording */
        post: operations["stopRecording"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/recordings/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Download a recording, which is a stream file */
        get: operations["getRecording"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the jobs that take time */
        get: operations["listJobs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/jobs/advance": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Advance the clock of jobs and webhooks */
        post: operations["advanceJobs"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/jobs/{id}/finish": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** End a job as it would have ended by itself */
        post: operations["finishJob"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/jobs/{id}/fail": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Let a job fail */
        post: operations["failJob"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/webhooks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the receivers of webhooks */
        get: operations["listWebhooks"];
        put?: never;
        /** Add a receiver of webhooks */
        post: operations["addWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/webhooks/{number}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Remove a receiver of webhooks */
        delete: operations["deleteWebhook"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/webhooks/send": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Send an event to the receivers of webhooks */
        post: operations["sendWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/webhooks/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the deliveries of webhooks, page by page */
        get: operations["listDeliveries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mock/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get this document */
        get: operations["getOpenApi"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * ProblemShape
         * @description An error (RFC 9457).
         *
         *         ``detail`` is a sentence. ``place`` is where the mistake is in the request, such as
         *         ``rules[2].reply.finish_reason``.
         */
        ProblemShape: {
            title: string;
            status: number;
            detail: string;
            /** @default null */
            place?: string | null;
            /** @default about:blank */
            type?: string;
        };
        /**
         * Health
         * @description The state of the server.
         */
        Health: {
            /** @enum {unknown} */
            status: "ok";
            version: string;
        };
        /**
         * RuleList
         * @description Rules, the oldest first. The newest rule that matches a request answers it.
         */
        RuleList: {
            rules: components["schemas"]["RuleSummary"][];
        };
        /**
         * RuleSummary
         * @description A rule. ``rule`` is what a scenario file would say; null if it is partly Python.
         */
        RuleSummary: {
            number: number;
            description: string;
            use_count: number;
            rule: components["schemas"]["rule"] | null;
            unused: string | null;
            is_pinned: boolean;
        };
        /**
         * NewRules
         * @description Rules to add or to put in the place of all others, as in a scenario file.
         */
        NewRules: {
            rules: components["schemas"]["rule"][];
        };
        /**
         * CallList
         * @description A page of calls. ``next`` is the ``after`` of the next page; null on the last.
         *
         *         ``last_event`` identifies the newest event that these calls reflect: follow the calls after it.
         */
        CallList: {
            calls: components["schemas"]["CallSummary"][];
            next: number | null;
            total: number;
            last_event: string;
        };
        /**
         * CallSummary
         * @description A call.
         *
         *         ``state`` is ``waiting`` (for its answer), ``in progress``, ``written`` (the client may not have
         *         read everything yet) or how it ended. ``silent`` is for how many seconds an open call has sent
         *         nothing; ``seconds`` is the time from the request to the last byte. ``events`` is how many the
         *         response has, and ``rule`` the number of the rule that answered. ``ttft`` is when the first
         *         event was written, in seconds; ``finish_reason`` is what the response says at its end, and
         *         ``faults`` are those that changed it, as they are in Python.
         */
        CallSummary: {
            number: number;
            attempt: number;
            started: number;
            method: string;
            path: string;
            model: string;
            user: string | null;
            stream: boolean;
            status: number | null;
            state: string;
            delivered: components["schemas"]["Sent"];
            events: number | null;
            silent: number | null;
            seconds: number | null;
            rule: number | null;
            rule_description: string | null;
            problem: string | null;
            unrecorded: string | null;
            warnings: string[];
            ttft: number | null;
            finish_reason: string | null;
            faults: string[];
        };
        /**
         * Sent
         * @description How many events, and bytes of the body, the client has received.
         *
         *         ``exact`` is false while the response is being played, or if the counts are upper bounds.
         */
        Sent: {
            events: number;
            bytes: number;
            exact: boolean;
        };
        /**
         * CallDetail
         * @description A call with its request and the head of its response; secrets are redacted.
         *
         *         ``request`` has ``method``, ``url``, ``headers`` and the body as ``json``, ``text`` or
         *         ``base64``.
         */
        CallDetail: {
            number: number;
            attempt: number;
            started: number;
            method: string;
            path: string;
            model: string;
            user: string | null;
            stream: boolean;
            status: number | null;
            state: string;
            delivered: components["schemas"]["Sent"];
            events: number | null;
            silent: number | null;
            seconds: number | null;
            rule: number | null;
            rule_description: string | null;
            problem: string | null;
            unrecorded: string | null;
            warnings: string[];
            ttft: number | null;
            finish_reason: string | null;
            faults: string[];
            request: {
                [key: string]: unknown;
            };
            response_headers: [
                string,
                string
            ][];
            deliveries: components["schemas"]["Delivery"][];
        };
        /**
         * Delivery
         * @description A part of a response: when it was due, and when it was written, in seconds.
         */
        Delivery: {
            due: number;
            at: number;
            events: number;
        };
        /**
         * ResponseEvents
         * @description A response, taken apart.
         *
         *         ``events`` are the first of ``total``. ``reply`` is what the whole response says, and ``error``
         *         the error that it reports, both as in scenario files. ``end`` is how the script ends, after
         *         ``seconds``; ``left`` is when the client left.
         */
        ResponseEvents: {
            number: number;
            endpoint: string | null;
            events: components["schemas"]["ResponseEvent"][];
            total: number;
            reply: {
                [key: string]: unknown;
            } | null;
            error: {
                [key: string]: unknown;
            } | null;
            unreadable: string | null;
            odd: components["schemas"]["Oddity"][];
            end: string;
            seconds: number;
            left: number | null;
        };
        /**
         * ResponseEvent
         * @description An event, a comment or other bytes of a response; or a message over a WebSocket.
         *
         *         ``kind`` is then who sent it, ``client`` or ``server``. ``event`` is the name, and ``says`` what
         *         it means in words. ``due`` and ``at`` are when it was to be written and when it was, in seconds
         *         after the request; ``at`` is null if it was not.
         */
        ResponseEvent: {
            number: number;
            kind: string;
            event: string | null;
            data: string;
            says: string;
            pieces: components["schemas"]["Piece"][];
            due: number;
            at: number | null;
        };
        /**
         * Piece
         * @description A part of the model's output that an event carries.
         */
        Piece: {
            kind: string;
            text: string;
        };
        /**
         * Oddity
         * @description Something that OpenAI's own streams do not have, and what it means for a client.
         */
        Oddity: {
            name: string;
            fact: string;
            meaning: string;
        };
        /**
         * NearMisses
         * @description The rules, the closest first, with what was wrong for each.
         */
        NearMisses: {
            number: number;
            problem: string | null;
            rules: components["schemas"]["NearMiss"][];
        };
        /**
         * NearMiss
         * @description A rule, and why it does not answer the request; null if it would answer it now.
         */
        NearMiss: {
            rule: number;
            description: string;
            reason: string | null;
        };
        /**
         * Choices
         * @description The names that rules and settings can use.
         */
        Choices: {
            faults: components["schemas"]["FaultChoice"][];
            paces: components["schemas"]["PaceChoice"][];
            engines: string[];
            dialects: string[];
        };
        /**
         * FaultChoice
         * @description A fault; ``kind`` groups faults that change the same thing.
         */
        FaultChoice: {
            name: string;
            kind: string;
            about: string;
            arguments: components["schemas"]["FaultArgument"][];
        };
        /**
         * FaultArgument
         * @description An argument of a fault; ``default`` is as it is in Python, null if there is none.
         */
        FaultArgument: {
            name: string;
            type: string;
            default: string | null;
            choices: string[];
        };
        /**
         * PaceChoice
         * @description A pace: seconds to the first event, and between two events.
         */
        PaceChoice: {
            name: string;
            ttft: number;
            itl: number;
        };
        /**
         * ReadyMade
         * @description A ready-made stream, and the endpoint that it is of.
         */
        ReadyMade: {
            name: string;
            family: string;
            about: string;
            path: string;
        };
        /**
         * Verdict
         * @description Whether the test may pass, as at the end of the pytest fixture; if not, why.
         */
        Verdict: {
            passed: boolean;
            message: string | null;
            problems: components["schemas"]["CallSummary"][];
            forgotten_problems: number;
            unused: string[];
        };
        /**
         * Reset
         * @description What to forget: everything but changed settings, by default.
         *
         *         Rules that the server started with begin again. ``webhooks`` are deliveries, and the receivers
         *         that the server did not start with.
         */
        Reset: {
            /** @default true */
            rules?: boolean;
            /** @default true */
            calls?: boolean;
            /** @default true */
            objects?: boolean;
            /** @default true */
            webhooks?: boolean;
            /** @default false */
            settings?: boolean;
        };
        /**
         * Settings
         * @description How the mock answers.
         *
         *         ``api_key`` is never shown, only whether there is one. ``job_seconds`` is how long background
         *         responses, batches and other jobs take that begin from now on. ``use_default`` says whether
         *         requests that no rule matches get the server's default answer, as that of ``serve`` without
         *         files, or are problems.
         */
        Settings: {
            pace: components["schemas"]["any_pace"] | null;
            engine: components["schemas"]["any_engine"] | null;
            dialect: string | null;
            faults: unknown[];
            seed: number | string | null;
            api_key: "…" | null;
            lenient: boolean;
            header_faults: boolean;
            use_default: boolean;
            job_seconds: number;
            fail_on_unmatched: boolean;
            fail_on_unused: boolean;
        };
        /**
         * SettingsChange
         * @description The settings to change, all at once.
         *
         *         ``pace``, ``engine`` and ``faults`` are as in scenario files.
         */
        SettingsChange: {
            pace?: components["schemas"]["any_pace"] | null;
            engine?: components["schemas"]["any_engine"] | null;
            dialect?: string | null;
            faults?: components["schemas"]["fault"][];
            seed?: number | string | null;
            api_key?: string | null;
            lenient?: boolean;
            header_faults?: boolean;
            use_default?: boolean;
            job_seconds?: number;
            fail_on_unmatched?: boolean;
            fail_on_unused?: boolean;
        };
        /**
         * EngineState
         * @description The capacity of the mock, and what it does with it; without an engine it is unlimited.
         *
         *         ``batch`` is how many requests decode, and ``itl`` the seconds between two of their tokens.
         *         ``prompt_tokens`` and ``cached_tokens`` are those of all admitted requests so far. With several
         *         processes, each has an engine like ``engine``; there are ``engines`` of them, and the other
         *         members are their totals.
         */
        EngineState: {
            /** @default null */
            engine?: components["schemas"]["any_engine"] | null;
            /** @default null */
            slots?: number | null;
            /** @default null */
            queue?: number | null;
            /** @default 0 */
            running?: number;
            /** @default 0 */
            waiting?: number;
            /** @default 0 */
            batch?: number;
            /** @default 0 */
            itl?: number;
            /** @default 0 */
            cache_blocks?: number;
            /** @default 0 */
            cached_blocks?: number;
            /** @default 0 */
            admitted?: number;
            /** @default 0 */
            refused?: number;
            /** @default 0 */
            ended?: number;
            /** @default 0 */
            cancelled?: number;
            /** @default 0 */
            prompt_tokens?: number;
            /** @default 0 */
            cached_tokens?: number;
            /** @default [] */
            limits?: components["schemas"]["EngineLimit"][];
            /** @default 1 */
            engines?: number;
        };
        /**
         * EngineLimit
         * @description How far a limit of a key and a model is used; ``reset`` is the seconds until it is not.
         *
         *         ``key`` is the end of the API key.
         */
        EngineLimit: {
            key: string;
            model: string;
            unit: string;
            limit: number;
            used: number;
            reset: number;
        };
        /**
         * EngineChange
         * @description An engine as a scenario file says it, or null for unlimited capacity.
         */
        EngineChange: {
            engine: components["schemas"]["any_engine"] | null;
        };
        /**
         * SandboxList
         * @description The sandboxes, the oldest first, and after how many idle seconds one is deleted.
         */
        SandboxList: {
            sandboxes: components["schemas"]["SandboxSummary"][];
            idle_limit: number | null;
        };
        /**
         * SandboxSummary
         * @description A sandbox: rules, calls, objects and settings of its own.
         *
         *         ``base_url`` is for OpenAI clients, and ``control_url`` leads to its control API.
         */
        SandboxSummary: {
            id: string;
            base_url: string;
            control_url: string;
            created: number;
            idle: number;
            calls: number;
            problems: number;
        };
        /**
         * NewSandbox
         * @description A sandbox to create; the id is random by default.
         */
        NewSandbox: {
            /** @default null */
            id?: string | null;
            /** @default [] */
            rules?: components["schemas"]["rule"][];
        };
        /**
         * RecordingList
         * @description The recordings, and the server that is being recorded; null if recording is off.
         */
        RecordingList: {
            upstream: string | null;
            recordings: components["schemas"]["RecordingSummary"][];
        };
        /**
         * RecordingSummary
         * @description A recording: a stream file.
         */
        RecordingSummary: {
            name: string;
            size: number;
            modified: number;
        };
        /**
         * RecordingStart
         * @description The server whose responses to record, such as ``https://api.openai.com/v1``.
         */
        RecordingStart: {
            upstream: string;
        };
        /**
         * JobList
         * @description The jobs that take time, the oldest first.
         */
        JobList: {
            jobs: components["schemas"]["JobSummary"][];
        };
        /**
         * JobSummary
         * @description A job. ``seconds`` is how long it takes, and ``elapsed`` how many have passed.
         */
        JobSummary: {
            id: string;
            /** @enum {unknown} */
            state: "cancelled" | "failed" | "finished" | "running";
            seconds: number;
            elapsed: number;
        };
        /**
         * TimeStep
         * @description By how many seconds to advance the clock of jobs and webhooks.
         */
        TimeStep: {
            seconds: number;
        };
        /**
         * JobError
         * @description The error of a job that fails.
         */
        JobError: {
            /** @default The server had an error while processing the request. */
            message?: string;
            /** @default server_error */
            code?: string;
        };
        /**
         * EndpointList
         * @description The receivers of webhooks, the oldest first.
         */
        EndpointList: {
            endpoints: components["schemas"]["EndpointSummary"][];
        };
        /**
         * EndpointSummary
         * @description A receiver of webhooks. ``is_gone`` says whether it has answered 410.
         */
        EndpointSummary: {
            number: number;
            url: string;
            types: string[] | null;
            is_gone: boolean;
        };
        /**
         * NewEndpoint
         * @description A receiver of webhooks. ``types`` are the types of events that it receives; all by default.
         *
         *         By default ``secret`` is that of the server's environment, or a random one. ``timeout`` is how
         *         many seconds the receiver may take to answer.
         */
        NewEndpoint: {
            url: string;
            /** @default null */
            secret?: string | null;
            /** @default null */
            types?: string[] | null;
            /** @default 15 */
            timeout?: number;
        };
        /**
         * NewEndpointSummary
         * @description A receiver of webhooks that was added, with its secret, which is never shown again.
         */
        NewEndpointSummary: {
            number: number;
            url: string;
            types: string[] | null;
            is_gone: boolean;
            secret: string;
        };
        /**
         * WebhookToSend
         * @description An event to send to each receiver; the data is that of an unknown object by default.
         *
         *         ``faults`` are names of faults of webhooks.
         */
        WebhookToSend: {
            type: string;
            /** @default null */
            data?: {
                [key: string]: unknown;
            } | null;
            /** @default [] */
            faults?: string[];
        };
        /**
         * DeliveryList
         * @description A page of deliveries, the oldest first. ``now`` is the time of the clock of webhooks.
         */
        DeliveryList: {
            deliveries: components["schemas"]["DeliverySummary"][];
            now: number;
        };
        /**
         * DeliverySummary
         * @description An event on its way to a receiver. ``id`` is the ``webhook-id``.
         *
         *         If it is pending, ``due`` is when the next attempt is due, in seconds of the clock of webhooks.
         */
        DeliverySummary: {
            number: number;
            id: string;
            endpoint: string;
            type: string;
            event: {
                [key: string]: unknown;
            };
            /** @enum {unknown} */
            state: "delivered" | "failed" | "gone" | "pending";
            due: number | null;
            attempts: components["schemas"]["AttemptSummary"][];
        };
        /**
         * AttemptSummary
         * @description An attempt: when it was made, in seconds of the clock of webhooks, and what came of it.
         */
        AttemptSummary: {
            time: number;
            status: number | null;
            error: string | null;
            faults: string[];
        };
        /**
         * annotation
         * @description A citation in a text, in the flat form of the Responses API.
         */
        annotation: {
            /** @description its JSON, such as `{"type": "url_citation", "url": …, "title": …}`. */
            members: {
                [key: string]: unknown;
            };
            /** @description number of text pieces that arrive before it; None for all of them. */
            after?: number | null;
        };
        any_engine: ("h100-8b" | "h100-70b" | "a100-8b" | "openai-gpt-4o" | "openai-tier-1") | string | components["schemas"]["engine"];
        any_pace: ("none" | "gpt-4o" | "anyscale-7b" | "anyscale-13b" | "anyscale-70b" | "bedrock-13b" | "bedrock-70b" | "fireworks-7b" | "fireworks-70b" | "groq-70b" | "lepton-70b" | "perplexity-70b" | "together-13b" | "replicate-70b") | string | components["schemas"]["pace"];
        any_reply: components["schemas"]["plain_reply"] | components["schemas"]["faulty_reply"];
        /**
         * audio
         * @description Speech, with which chat models answer if `modalities` contains `"audio"`.
         */
        audio: {
            /**
             * @description the transcript, or the pieces it arrives in.
             * @default
             */
            transcript?: string | string[];
            /**
             * @description the audio as bytes, as base64, or as the pieces of base64 it arrives in.
             * @default
             */
            data?: string | string[];
            /** @description `audio_` and 32 hexadecimal digits; derived from the rest if None. */
            id?: string | null;
            /**
             * @description time until which requests can refer to it, in seconds since the epoch.
             * @default 0
             */
            expires_at?: number;
        };
        /**
         * call
         * @description A call of a tool.
         */
        call: {
            /** @description name of the function. */
            name: string;
            /**
             * @description the arguments as an object; or as text, which may be invalid JSON; or as the pieces of that text.
             * @default {}
             */
            arguments?: string | string[] | {
                [key: string]: unknown;
            };
            /** @description `call_` and 24 letters and digits; derived from name and arguments if None. */
            id?: string | null;
            /**
             * @description whether it calls a custom tool, whose arguments may be any text.
             * @default false
             */
            custom?: boolean;
            /** @description namespace of the tool, if it has one. */
            namespace?: string | null;
            /** @description more members of the call, such as Gemini's `extra_content`. */
            extra?: {
                [key: string]: unknown;
            } | null;
        };
        /** @description from 0, never, to 1, always. */
        chance: number;
        /**
         * choice
         * @description One of a reply's n answers. It takes the arguments of `Reply`.
         */
        choice: {
            /** @description the answer, or the pieces it arrives in. */
            text?: string | string[] | null;
            /** @description reasoning text before the answer (`reasoning_content`). */
            reasoning?: string | string[] | null;
            /** @description the model's refusal, instead of text. */
            refusal?: string | string[] | null;
            /** @description one call or several. */
            tool_calls?: components["schemas"]["call"][];
            /** @description one call in the legacy form. */
            function_call?: components["schemas"]["function"] | null;
            /** @description for each piece of the text (or refusal) its `Logprob`, or several. */
            logprobs?: (components["schemas"]["logprob"] | components["schemas"]["logprob"][])[] | null;
            /**
             * @description one of OpenAI's five; by default it follows from the other arguments; with None the answer never finishes.
             * @enum {unknown}
             */
            finish_reason?: "stop" | "length" | "tool_calls" | "content_filter" | "function_call" | "auto" | null;
            /** @description items in any order, instead of text, reasoning, refusal and calls: strings, `Message`, `Reasoning`, `ToolCall`, `Item`. They are streamed in this order, unless the request's limits shorten them. */
            output?: components["schemas"]["output"][] | null;
            /** @description speech, instead of text. */
            audio?: components["schemas"]["audio"] | null;
            /** @description citations in the text: `url_citation`, or the JSON of another `Annotation`. */
            annotations?: (components["schemas"]["annotation"] | {
                [key: string]: unknown;
            })[];
        };
        count_pattern: number | {
            /** @description Return a pattern that matches numbers greater than a limit. */
            gt?: number;
            /** @description Return a pattern that matches a limit and all greater numbers. */
            ge?: number;
            /** @description Return a pattern that matches numbers less than a limit. */
            lt?: number;
            /** @description Return a pattern that matches a limit and all lesser numbers. */
            le?: number;
            /** @description Return a pattern that matches if one of these patterns does. */
            any_of?: components["schemas"]["count_pattern"][];
            /** @description Return a pattern that matches if all these patterns do. */
            all_of?: components["schemas"]["count_pattern"][];
            /** @description Return a pattern that matches if this pattern does not. */
            not?: components["schemas"]["count_pattern"];
        };
        dialect: ("openai" | "openai-2026-01" | "openai-2025" | "openai-2025-05" | "openai-2025-04" | "openai-2025-03" | "openai-2024" | "azure" | "azure-voice-live" | "azure-async" | "azure-sglang" | "copilot" | "openrouter" | "openrouter-2025" | "groq" | "groq-2024" | "deepseek" | "mistral" | "xai" | "together" | "together-calls" | "fireworks" | "cerebras" | "perplexity" | "perplexity-2025" | "vllm" | "vllm-2024" | "sglang" | "llamacpp" | "ollama-cloud" | "ollama" | "lmstudio" | "gemini" | "litellm" | "zai" | "databricks" | "cloudflare" | "snowflake" | "writer" | "vercel" | "huggingface" | "dashscope" | "dashscope-intl" | "compatible" | "ai21" | "avian" | "doubleword" | "opencode" | "venice" | "llama-box" | "volcengine" | "one-api" | "bedrock-mantle" | "bedrock-mantle-gpt-oss") | string;
        /**
         * engine
         * @description The capacity of a model server.
         */
        engine: {
            /**
             * @description the name of the engine that has the values which are not stated.
             * @enum {unknown}
             */
            profile?: "h100-8b" | "h100-70b" | "a100-8b" | "openai-gpt-4o" | "openai-tier-1";
            /** @description requests that run at the same time (vLLM's `max-num-seqs`). */
            slots?: number;
            /** @description requests that wait for a slot at the same time; None for no limit. */
            queue?: number | null;
            /**
             * @description status of the answer when the queue is full, 503 or 429. OpenAI and gateways in front of vLLM answer 503, Text Generation Inference answers 429.
             * @enum {unknown}
             */
            overload?: 503 | 429;
            /** @description seconds until a prompt's first token: a constant, and for each token of the prompt that is not cached. */
            prefill?: number[];
            /** @description seconds between two tokens: when one request decodes, and for each further one. */
            decode?: number[];
            /** @description number of decoding requests up to which a step takes as long as `decode` says; None if that is always so. */
            knee?: number | null;
            /** @description how much each request past the knee slows the others down. With 1, all requests together generate as many tokens a second as at the knee; with 2, many requests generate half of that. */
            collapse?: number;
            /** @description tokens of one step: each decoding request takes one, and the prompts share the rest, in order (vLLM's chunked prefill). So prompts slow down those that decode, and each other. None if each prompt is processed by itself, as by servers of their own. */
            max_batched_tokens?: number | null;
            /** @description blocks of prompts that the prefix cache holds; 0 for no cache. */
            cache_blocks?: number;
            /** @description tokens of a block. */
            prefix_block?: number;
            /** @description the shortest prompt, in tokens, of which anything is cached. */
            prefix_minimum?: number;
            /** @description seconds after which a block that nobody used is forgotten; None for never. */
            cache_seconds?: number | null;
            /** @description limits for each API key and model. */
            limits?: components["schemas"]["limits"];
            /** @description seconds after its start during which the server refuses all requests with 503. */
            start_up?: number;
            /** @description probability that a request fails with 500, from 0 to 1. */
            failure_rate?: number;
            /** @description how much times vary, from 0 to 1: 0.5 moves each token by up to a quarter of the time between two, and the constant part of `prefill` by up to half. */
            jitter?: number;
            /** @description chooses the variations and the failures. */
            seed?: number | string;
        };
        /**
         * error
         * @description An error of the API: instead of a stream, or in the middle of one.
         */
        error: {
            /** @description the HTTP status. In the middle of a stream it only chooses the defaults, and fills the member in which some providers repeat it, such as OpenRouter's `code`. */
            status?: number;
            /** @description the message; OpenAI's for this status if None. */
            message?: string | null;
            /** @description the type; OpenAI's for this status if None. */
            type?: string | null;
            /** @description the code; OpenAI's for this status if None, null if empty. */
            code?: string | null;
            /** @description the parameter that caused the error. */
            param?: string | null;
            /** @description value of the `retry-after` header, in seconds. */
            retry_after?: number | null;
            /**
             * @description more headers, sent unchanged.
             * @default {}
             */
            headers?: {
                [key: string]: string;
            } | [
                string,
                string
            ][];
            /**
             * @description more members of the error, such as Groq's `failed_generation`.
             * @default {}
             */
            extra?: {
                [key: string]: unknown;
            };
        };
        fault: ("bad_chunk_size" | "blank_lines" | "bom" | "bytes_after_end" | "chunk_extension" | "close" | "close_delimited" | "comment" | "content_length" | "cut" | "done" | "drop_done" | "empty_response" | "encoded" | "error_event" | "fields" | "half_close" | "half_head" | "heartbeat" | "hold" | "http10" | "informational" | "join" | "keepalive" | "lf_head" | "line_ends" | "malformed" | "merge" | "missing_chunk_crlf" | "multi_line" | "no_space" | "reset" | "single_newlines" | "slice" | "split_last_chunk" | "stall" | "stop" | "trailers" | "truncate" | "unknown_field" | "unterminated" | "websocket_binary" | "websocket_close" | "websocket_fragments" | "websocket_invalid_utf8" | "websocket_mute" | "websocket_padding") | {
            /** @description Add a header, also if the response already has one of this name. */
            add_header?: {
                name: string;
                value: string;
                chance?: components["schemas"]["chance"];
            };
            /** @description After `after` events, send a chunk whose size is not a number, then FIN. */
            bad_chunk_size?: {
                after?: number;
                text?: string;
                chance?: components["schemas"]["chance"];
            } | null | number;
            /** @description Send `rate` bytes per second, `size` bytes at a time. */
            bandwidth?: {
                rate: number;
                size?: number;
                chance?: components["schemas"]["chance"];
            } | number;
            /** @description Send `times` blank lines before the event at index `at`. */
            blank_lines?: {
                times?: number;
                at?: number;
                chance?: components["schemas"]["chance"];
            } | null | number;
            /** @description Send a byte order mark before the event at index `at`; None: before every event. */
            bom?: {
                at?: number | null;
                chance?: components["schemas"]["chance"];
            } | null | (((string & (number | null)) | (number & (number | null)) | (boolean & (number | null))) & (number | null));
            /** @description Send more bytes after the complete response, at once or after `seconds`. */
            bytes_after_end?: {
                data?: string;
                seconds?: number;
                chance?: components["schemas"]["chance"];
            } | null | string;
            /** @description Set a member of the JSON of the event at index `at`; None: of every event that has it. */
            change?: {
                /** @description index of the event; -1 is the last one. */
                at: number | null;
                /** @description the member's path, as in `choices.0.delta.content` or `choices[0].delta`; a negative number counts from the end of its array, and `[*]` is every element. */
                path: string;
                /** @description the new value: anything that JSON can express. An array grows by one if the number is its length. */
                value?: unknown;
                /** @description whether to remove the member instead. */
                remove?: boolean;
                /** @description paths of other members, each with a value that one of them must have: only events that have all these are changed. */
                where?: {
                    [key: string]: unknown;
                } | null;
                chance?: components["schemas"]["chance"];
            };
            /** @description Add an extension to every chunk (RFC 9112 §7.1.1), which is legal. */
            chunk_extension?: {
                text?: string;
                chance?: components["schemas"]["chance"];
            } | null | string;
            /** @description Close the connection after the complete response. */
            close?: components["schemas"]["no_arguments"];
            /** @description Send neither chunks nor a length: closing the connection ends the body. */
            close_delimited?: components["schemas"]["no_arguments"];
            /** @description Send a comment before the event at index `at`. */
            comment?: {
                text?: string;
                at?: number;
                chance?: components["schemas"]["chance"];
            } | null | string;
            /** @description Send a `Content-Length` instead of chunks: correct, wrong by `off`, or `value`. */
            content_length?: {
                /** @description the declared length in bytes. */
                value?: number | null;
                /** @description bytes to add to the correct length if there is no `value`. */
                off?: number;
                /** @description keep the connection open after a body of the wrong length. */
                keep_open?: boolean;
                chance?: components["schemas"]["chance"];
            } | null | (((string & (number | null)) | (number & (number | null)) | (boolean & (number | null))) & (number | null));
            /** @description Send FIN after the last byte without TLS's close_notify. Raises an error in process. */
            cut?: components["schemas"]["no_arguments"];
            /** @description Send `[DONE]` early (`at`), spelled differently (`text`) or repeatedly (`times`). */
            done?: {
                at?: number | null;
                text?: string;
                times?: number;
                chance?: components["schemas"]["chance"];
            } | null | (((string & (number | null)) | (number & (number | null)) | (boolean & (number | null))) & (number | null));
            /** @description Leave out the event at index `at`; -1 is the last one. */
            drop?: {
                at: number;
                chance?: components["schemas"]["chance"];
            } | number;
            /** @description Leave out the stream's `[DONE]`. */
            drop_done?: components["schemas"]["no_arguments"];
            /** @description Send no byte: close the connection, `reset` it, or `hold` it open. */
            empty_response?: {
                /** @enum {unknown} */
                end?: "close" | "cut" | "finish" | "half_close" | "hold" | "reset" | "truncate";
                chance?: components["schemas"]["chance"];
            } | null | (((string & ("close" | "cut" | "finish" | "half_close" | "hold" | "reset" | "truncate")) | (number & ("close" | "cut" | "finish" | "half_close" | "hold" | "reset" | "truncate")) | (boolean & ("close" | "cut" | "finish" | "half_close" | "hold" | "reset" | "truncate"))) & ("close" | "cut" | "finish" | "half_close" | "hold" | "reset" | "truncate"));
            /** @description Compress the body with a content coding. */
            encoded?: {
                /**
                 * @description `gzip`, `deflate`, `raw-deflate`, `br`, `zstd`, or `identity`.
                 * @enum {string}
                 */
                coding?: "gzip" | "deflate" | "raw-deflate" | "br" | "zstd" | "identity";
                /**
                 * @description `event` flushes after every event; `end` only at the end, so that the client can decode nothing earlier.
                 * @enum {string}
                 */
                flush?: "event" | "end";
                /** @description compress every event as a separate member. */
                members?: boolean;
                /** @description bytes to leave out at the end. */
                cut?: number;
                /** @description the value of the `Content-Encoding` header: `auto` names the real coding, None sends no header. */
                declare?: string | null;
                chance?: components["schemas"]["chance"];
            } | null | ("gzip" | "deflate" | "raw-deflate" | "br" | "zstd" | "identity");
            /** @description Break the stream off after `after` events with an error event, without `[DONE]`. */
            error_event?: {
                after?: number;
                error?: components["schemas"]["error"];
                chance?: components["schemas"]["chance"];
            } | null | number;
            /** @description Add `event:`, `id:` or `retry:` fields to every event, or to the event at `at`. */
            fields?: {
                event?: string | null;
                id?: string | null;
                retry?: number | null;
                at?: number | null;
                alone?: boolean;
                chance?: components["schemas"]["chance"];
            } | null | (((string & (string | null)) | (number & (string | null)) | (boolean & (string | null))) & (string | null));
            /** @description Send FIN after the response while the server goes on reading. */
            half_close?: components["schemas"]["no_arguments"];
            /** @description Send half of the head, or its first `size` bytes; then truncate, reset or hold. */
            half_head?: {
                /** @enum {unknown} */
                end?: "close" | "cut" | "finish" | "half_close" | "hold" | "reset" | "truncate";
                size?: number | null;
                chance?: components["schemas"]["chance"];
            } | null | (((string & ("close" | "cut" | "finish" | "half_close" | "hold" | "reset" | "truncate")) | (number & ("close" | "cut" | "finish" | "half_close" | "hold" | "reset" | "truncate")) | (boolean & ("close" | "cut" | "finish" | "half_close" | "hold" | "reset" | "truncate"))) & ("close" | "cut" | "finish" | "half_close" | "hold" | "reset" | "truncate"));
            /** @description Set the value of a header; None removes it. */
            header?: {
                name: string;
                value: string | null;
                chance?: components["schemas"]["chance"];
            };
            /** @description Send a comment every `every` seconds of silence, or an event with a name or `data`. */
            heartbeat?: {
                /** @description seconds from one to the next; None sends one between all events. */
                every?: number | null;
                /** @description the comment, or the data of an event named `event`. */
                text?: string;
                /** @description the name of the event that is sent instead of a comment. */
                event?: string | null;
                /** @description the data of the event that is sent instead of a comment: text, or a value that is sent as JSON. The event has no name unless `event` gives one. */
                data?: unknown;
                chance?: components["schemas"]["chance"];
            } | null | (((string & (number | null)) | (number & (number | null)) | (boolean & (number | null))) & (number | null));
            /** @description Send every byte of the response, then neither end the body nor close the connection. */
            hold?: components["schemas"]["no_arguments"];
            /** @description Answer with HTTP/1.0: no chunks, and closing the connection ends the body. */
            http10?: components["schemas"]["no_arguments"];
            /** @description Send informational responses (1xx) before the real one (RFC 9110 §15.2). */
            informational?: {
                chance?: components["schemas"]["chance"];
            } | null | number;
            /** @description Insert any bytes before the event at index `at`; None inserts them after all events. */
            insert?: {
                raw: string;
                at?: number | null;
                chance?: components["schemas"]["chance"];
            } | string;
            /** @description Send all bytes between two silences in one write and, if chunked, in one HTTP chunk. */
            join?: components["schemas"]["no_arguments"];
            /** @description Send a `keepalive` event of the Responses API after `after` events; renumber the rest. */
            keepalive?: {
                after?: number;
                chance?: components["schemas"]["chance"];
            } | null | number;
            /** @description Wait `seconds` between the last event and the end of the body. */
            late_end?: {
                seconds: number;
                chance?: components["schemas"]["chance"];
            } | number;
            /** @description Delay the head of the response by `seconds` more. */
            latency?: {
                seconds: number;
                chance?: components["schemas"]["chance"];
            } | number;
            /** @description End the lines of the head with LF alone. */
            lf_head?: components["schemas"]["no_arguments"];
            /** @description End lines with `lf`, `crlf` or `cr`; `mixed` uses each in turn. */
            line_ends?: {
                /** @enum {string} */
                kind?: "lf" | "crlf" | "cr" | "mixed";
                chance?: components["schemas"]["chance"];
            } | null | ("lf" | "crlf" | "cr" | "mixed");
            /** @description Cut the JSON of the event at index `at` (from 0) in half, or replace it with `data`. */
            malformed?: {
                at?: number;
                data?: string | null;
                chance?: components["schemas"]["chance"];
            } | null | number;
            /** @description Send `count` chunks as one, the first of which is the event at index `at`. */
            merge?: {
                /** @description index of the first event; -1 is the last one. */
                at?: number;
                /** @description number of chunks; None for all that follow. */
                count?: number | null;
                chance?: components["schemas"]["chance"];
            } | null | number;
            /** @description Leave out the CRLF of the chunk after `after` events: the next size follows its data. */
            missing_chunk_crlf?: {
                after?: number;
                chance?: components["schemas"]["chance"];
            } | null | number;
            /** @description Split the JSON of every event, or of the event at `at`, into several `data:` lines. */
            multi_line?: {
                at?: number | null;
                chance?: components["schemas"]["chance"];
            } | null | (((string & (number | null)) | (number & (number | null)) | (boolean & (number | null))) & (number | null));
            /** @description Leave out the optional space after `data:` and the other field names. */
            no_space?: components["schemas"]["no_arguments"];
            /** @description Send these bytes instead of the head. */
            raw_head?: {
                data: string;
                chance?: components["schemas"]["chance"];
            } | string;
            /** @description Send a redirect instead of the response. */
            redirect?: {
                location: string;
                code?: number;
                chance?: components["schemas"]["chance"];
            } | string;
            /** @description Send the event at index `at` before the event at index `before`, unchanged. */
            reorder?: {
                at: number;
                before?: number;
                chance?: components["schemas"]["chance"];
            } | number;
            /** @description Replace the event at index `at` with any bytes. */
            replace_event?: {
                at: number;
                raw: string;
                chance?: components["schemas"]["chance"];
            };
            /** @description Reset the connection (TCP RST) once the client received `after` events or `byte` bytes. */
            reset?: {
                /** @description a count of events. */
                after?: number;
                /** @description a count of bytes to use instead of `after`. */
                byte?: number | null;
                /** @description the silence before the reset. */
                seconds?: number;
                chance?: components["schemas"]["chance"];
            } | null | number;
            /** @description Leave out the blank lines between events, so that all lines form one event. */
            single_newlines?: components["schemas"]["no_arguments"];
            /** @description Send the same bytes in other reads. */
            slice?: {
                /** @description bytes in each read. */
                size?: number | null;
                /** @description offsets in bytes at which to cut. */
                at?: number[];
                /**
                 * @description cut at every place of one kind: after each line (`lines`) or event (`events`), between CR and LF (`crlf`), or within each character of several bytes (`utf8`).
                 * @enum {unknown}
                 */
                inside?: "lines" | "crlf" | "utf8" | "events" | null;
                /** @description cut HTTP's own bytes too; offsets then count from the first byte of the head. */
                raw?: boolean;
                chance?: components["schemas"]["chance"];
            } | null | (((string & (number | null)) | (number & (number | null)) | (boolean & (number | null))) & (number | null));
            /** @description Send the last chunk in two parts, with `seconds` of silence between them. */
            split_last_chunk?: {
                seconds?: number;
                chance?: components["schemas"]["chance"];
            } | null | number;
            /** @description Send nothing after `after` events, for `seconds` or until the client disconnects. */
            stall?: {
                after?: number;
                seconds?: number | null;
                chance?: components["schemas"]["chance"];
            } | null | number;
            /** @description Change the status; headers and body stay the same. */
            status?: {
                code: number;
                chance?: components["schemas"]["chance"];
            } | number;
            /** @description End the body cleanly after `after` events or `byte` bytes, as if it were complete. */
            stop?: {
                after?: number;
                byte?: number | null;
                chance?: components["schemas"]["chance"];
            } | null | number;
            /** @description Send trailers after the last chunk (RFC 9112 §7.1.2), which is legal. */
            trailers?: {
                headers?: {
                    [key: string]: string;
                } | null;
                chance?: components["schemas"]["chance"];
            } | null | (((string & ({
                [key: string]: string;
            } | null)) | (number & ({
                [key: string]: string;
            } | null)) | (boolean & ({
                [key: string]: string;
            } | null))) & ({
                [key: string]: string;
            } | null));
            /** @description Close the connection (FIN) in the body, after `after` events or `byte` bytes. */
            truncate?: {
                /** @description a count of events. */
                after?: number;
                /** @description a count of bytes to use instead of `after`. */
                byte?: number | null;
                /** @description the silence before the FIN. */
                seconds?: number;
                chance?: components["schemas"]["chance"];
            } | null | number;
            /** @description Add a line with an unknown field to every event. */
            unknown_field?: {
                line?: string;
                chance?: components["schemas"]["chance"];
            } | null | string;
            /** @description Leave out the blank line after the last event; with `newlines=0` its line end too. */
            unterminated?: {
                /** @enum {integer} */
                newlines?: 0 | 1;
                chance?: components["schemas"]["chance"];
            } | null | (0 | 1);
            /** @description Send the stream as another server sends it, for example `call id empty later`. */
            variation?: {
                /**
                 * @description the name of the variation.
                 * @enum {string}
                 */
                name: "role apart" | "role apart, content null" | "role apart, no content" | "role in every delta" | "no role" | "reasoning" | "reasoning twice" | "call header apart" | "call header apart, no arguments" | "call header apart, arguments null" | "calls together" | "calls interleaved" | "call id in every fragment" | "call id null later" | "call id empty later" | "call name null later" | "call name empty later" | "call type in every fragment" | "no call type" | "call type null later" | "no call index" | "call index always 0" | "call index from 1" | "empty delta" | "empty content" | "content null" | "no choices" | "filter results first" | "finish with last" | "finish twice" | "choices in turn" | "choices together" | "usage with finish" | "usage everywhere" | "usage beside a choice" | "usage null" | "logprobs null" | "native_finish_reason" | "unknown members of choices" | "refusal null" | "tool_calls null" | "function_call null" | "unknown members of deltas" | "content null in every delta" | "content empty in every delta" | "tool_calls empty" | "finish_reason empty" | "no finish_reason" | "unknown members" | "obfuscation" | "system_fingerprint null" | "id empty" | "no id" | "id changes" | "created 0" | "created with decimals" | "no created" | "model empty" | "no model" | "object empty" | "no object" | "escaped" | "spaced" | "slashes escaped" | "sorted" | "comment" | "empty comment" | "comment without blank line" | "comments everywhere" | "blank lines" | "retry alone" | "id alone" | "no [DONE]" | "[DONE] twice" | "ids" | "event: message" | "unknown field" | "several lines" | "no space" | "crlf" | "cr" | "mixed line ends" | "bom" | "no blank line at the end" | "no line end at the end" | "no [DONE], no blank line at the end" | "one read" | "two to a read" | "three to a read";
                /** @description place of what a variation inserts, such as a comment or a chunk without content. */
                at?: number;
                chance?: components["schemas"]["chance"];
            } | ("role apart" | "role apart, content null" | "role apart, no content" | "role in every delta" | "no role" | "reasoning" | "reasoning twice" | "call header apart" | "call header apart, no arguments" | "call header apart, arguments null" | "calls together" | "calls interleaved" | "call id in every fragment" | "call id null later" | "call id empty later" | "call name null later" | "call name empty later" | "call type in every fragment" | "no call type" | "call type null later" | "no call index" | "call index always 0" | "call index from 1" | "empty delta" | "empty content" | "content null" | "no choices" | "filter results first" | "finish with last" | "finish twice" | "choices in turn" | "choices together" | "usage with finish" | "usage everywhere" | "usage beside a choice" | "usage null" | "logprobs null" | "native_finish_reason" | "unknown members of choices" | "refusal null" | "tool_calls null" | "function_call null" | "unknown members of deltas" | "content null in every delta" | "content empty in every delta" | "tool_calls empty" | "finish_reason empty" | "no finish_reason" | "unknown members" | "obfuscation" | "system_fingerprint null" | "id empty" | "no id" | "id changes" | "created 0" | "created with decimals" | "no created" | "model empty" | "no model" | "object empty" | "no object" | "escaped" | "spaced" | "slashes escaped" | "sorted" | "comment" | "empty comment" | "comment without blank line" | "comments everywhere" | "blank lines" | "retry alone" | "id alone" | "no [DONE]" | "[DONE] twice" | "ids" | "event: message" | "unknown field" | "several lines" | "no space" | "crlf" | "cr" | "mixed line ends" | "bom" | "no blank line at the end" | "no line end at the end" | "no [DONE], no blank line at the end" | "one read" | "two to a read" | "three to a read");
            /** @description Send the event at index `at` in a binary frame. */
            websocket_binary?: {
                at?: number;
                chance?: components["schemas"]["chance"];
            } | null | number;
            /** @description Close the WebSocket after `after` events with a close frame. */
            websocket_close?: {
                /** @description a count of events. */
                after?: number;
                /** @description any code from 0 to 65535, such as 1000, 1001, 1008, 1011 or 1013. Code 1006 is what a client reports when there was no close frame: use `truncate` or `reset` for it. */
                code?: number;
                /** @description a text of at most 123 bytes (RFC 6455 §5.5). */
                reason?: string;
                chance?: components["schemas"]["chance"];
            } | null | number;
            /** @description Send the event at index `at` in `parts` frames, which may split a character. */
            websocket_fragments?: {
                at?: number;
                parts?: number;
                chance?: components["schemas"]["chance"];
            } | null | number;
            /** @description Send the event at index `at` as text that is not UTF-8. */
            websocket_invalid_utf8?: {
                at?: number;
                chance?: components["schemas"]["chance"];
            } | null | number;
            /** @description Answer neither pings nor a closing handshake once `after` events have been sent. */
            websocket_mute?: {
                after?: number;
                chance?: components["schemas"]["chance"];
            } | null | number;
            /** @description Send the event at index `at` in a frame of `size` bytes, padded with spaces. */
            websocket_padding?: {
                at?: number;
                size?: number;
                chance?: components["schemas"]["chance"];
            } | null | number;
        };
        /**
         * faulty_reply
         * @description Base class for mappings without unknown keys.
         */
        faulty_reply: {
            reply: components["schemas"]["plain_reply"];
            /** @default false */
            template?: boolean;
            faults?: components["schemas"]["fault"][];
            pace?: components["schemas"]["any_pace"] | null;
        };
        /**
         * file
         * @description A file with the response.
         */
        file: {
            /** @description the path of a body, chunks or a recording, from the scenario's folder. */
            file: string;
        };
        /**
         * function
         * @description A call in the legacy `function_call` form, which has no id.
         */
        function: {
            /** @description name of the function. */
            name: string;
            /**
             * @description the arguments as an object; or as text, which may be invalid JSON; or as the pieces of that text.
             * @default {}
             */
            arguments?: string | string[] | {
                [key: string]: unknown;
            };
        };
        /**
         * json
         * @description Base class for mappings without unknown keys.
         */
        json: {
            json: {
                [key: string]: unknown;
            };
        };
        json_pattern: (unknown[] | boolean | null | number | string) | {
            /** @description Return a pattern that matches any text that contains `part`. */
            contains?: string;
            /** @description Return a pattern that matches any text in which a regular expression is found. */
            regex?: string;
            /** @description Return a pattern that matches numbers greater than a limit. */
            gt?: number;
            /** @description Return a pattern that matches a limit and all greater numbers. */
            ge?: number;
            /** @description Return a pattern that matches numbers less than a limit. */
            lt?: number;
            /** @description Return a pattern that matches a limit and all lesser numbers. */
            le?: number;
            /** @description Return a pattern that matches if one of these patterns does. */
            any_of?: components["schemas"]["json_pattern"][];
            /** @description Return a pattern that matches if all these patterns do. */
            all_of?: components["schemas"]["json_pattern"][];
            /** @description Return a pattern that matches if this pattern does not. */
            not?: components["schemas"]["json_pattern"];
        };
        json_value: unknown;
        /**
         * limits
         * @description How much each API key may ask of each model.
         */
        limits: {
            /** @description requests a minute; None for no limit. */
            rpm?: number | null;
            /** @description tokens a minute, of prompts and the most tokens that may answer; None for no limit. */
            tpm?: number | null;
            /** @description requests that wait or run at the same time; None for no limit. */
            concurrent?: number | null;
            /**
             * @description how a limit refills. With `sliding`, no minute contains more than the limit. With `continuous` the limit refills evenly, as OpenAI's does: a minute may contain what was left and what was refilled meanwhile.
             * @enum {unknown}
             */
            refill?: "sliding" | "continuous";
            /** @description the length of the "minute", in seconds. */
            seconds?: number;
        };
        /**
         * logprob
         * @description A token's log probability.
         */
        logprob: {
            /** @description the token as text. */
            token: string;
            /** @description its log probability. */
            logprob: number | string;
            /** @description its UTF-8 bytes; those of `token` if None. */
            bytes?: number[] | null;
            /** @description the most likely tokens at this position. */
            top?: components["schemas"]["logprob"][];
        };
        /**
         * message
         * @description A message in the output of a response: text or a refusal.
         */
        message: {
            /** @description the text, or the pieces it arrives in. */
            text?: string | string[] | null;
            /** @description the refusal, or the pieces it arrives in. */
            refusal?: string | string[] | null;
            /** @description citations in the text: `Annotation`, or its JSON. */
            annotations?: (components["schemas"]["annotation"] | {
                [key: string]: unknown;
            })[];
            /** @description `commentary` or `final_answer`, which newer models send. */
            phase?: string | null;
            /** @description see `Reply`. */
            logprobs?: (components["schemas"]["logprob"] | components["schemas"]["logprob"][])[] | null;
        };
        no_arguments: {
            chance?: components["schemas"]["chance"];
        } | null;
        output: string | {
            /** @description Create a run of the code interpreter. */
            code_interpreter?: {
                /** @description the Python code, or the pieces it arrives in. */
                code: string | string[];
                /** @description text that the code printed. */
                logs?: string | null;
                /** @description URLs of images that the code created. */
                images?: string[];
                /** @description id of the container in which the code ran. */
                container?: string | null;
            } | [
                string | string[]
            ] | (((string & (string | string[])) | (number & (string | string[])) | (boolean & (string | string[]))) & (string | string[]));
            /** @description Create a search in vector stores. */
            file_search?: {
                /** @description the results as JSON; the API sends them only if the request includes them. */
                results?: {
                    [key: string]: unknown;
                }[] | null;
            } | null | string[] | string;
            /** @description Create the generation of an image. */
            image_generation?: {
                /** @description the final image, in base64. */
                result: string;
                /** @description the partial images, in base64. */
                partial?: string[];
                /** @description the prompt after the model revised it. */
                revised_prompt?: string | null;
            } | [
                string
            ] | string;
            /** @description An output item of a built-in tool: a web search, a run of code, an MCP call. */
            item?: {
                /** @description type of the item, such as `web_search_call`. */
                type: string;
                /** @description JSON of the finished item without id and type. A `Text` arrives in its pieces. */
                members: {
                    [key: string]: unknown;
                };
            } | [
                string,
                {
                    [key: string]: unknown;
                }
            ];
            /** @description Create a request to approve a call of an MCP server's tool. */
            mcp_approval?: {
                /** @description label of the server. */
                server: string;
                /** @description name of the tool. */
                name: string;
                /** @description arguments of the call, as an object. */
                arguments?: {
                    [key: string]: unknown;
                } | null;
            } | [
                string,
                string,
                {
                    [key: string]: unknown;
                } | null
            ];
            /** @description Create a call of an MCP server's tool, which the API performs itself. */
            mcp_call?: {
                /** @description label of the server. */
                server: string;
                /** @description name of the tool. */
                name: string;
                /** @description arguments of the call, as an object or as JSON text. */
                arguments?: {
                    [key: string]: unknown;
                } | string | null;
                /** @description output of the tool. */
                output?: string | null;
                /** @description error of the call in the API's form, such as `{"type": "http_error", "code": 500, "message": "…"}`. */
                error?: {
                    [key: string]: unknown;
                } | null;
            } | [
                string,
                string,
                {
                    [key: string]: unknown;
                } | string | null,
                string | null
            ];
            /** @description Create the listing of an MCP server's tools. */
            mcp_list_tools?: {
                /** @description label of the server. */
                server: string;
                /** @description JSON of each tool: `name`, and optionally `input_schema`, `description` and `annotations`. */
                tools?: {
                    [key: string]: unknown;
                }[];
                /** @description message if the tools could not be listed. */
                error?: string | null;
            } | [
                string,
                {
                    [key: string]: unknown;
                }[]
            ] | string;
            /** @description A message in the output of a response: text or a refusal. */
            message?: components["schemas"]["message"] | null | [
                string | string[] | null
            ] | (((string & (string | string[] | null)) | (number & (string | string[] | null)) | (boolean & (string | string[] | null))) & (string | string[] | null));
            /** @description Reasoning in the output of a response. */
            reasoning?: {
                /** @description the parts of its summary, all that OpenAI shows of it. */
                summary?: string | (string | string[])[];
                /** @description the reasoning text, which open models show. */
                content?: string | (string | string[])[];
                /** @description encrypted content, which the client sends back in the next turn. */
                encrypted?: string | null;
            } | null | [
                string | (string | string[])[]
            ] | (((string & (string | (string | string[])[])) | (number & (string | (string | string[])[])) | (boolean & (string | (string | string[])[]))) & (string | (string | string[])[]));
            /** @description A call of a tool. */
            tool_call?: {
                /** @description name of the function. */
                name: string;
                /** @description the arguments as an object; or as text, which may be invalid JSON; or as the pieces of that text. */
                arguments?: string | string[] | {
                    [key: string]: unknown;
                } | null;
                /** @description `call_` and 24 letters and digits; derived from name and arguments if None. */
                id?: string | null;
                /** @description whether it calls a custom tool, whose arguments may be any text. */
                custom?: boolean;
                /** @description namespace of the tool, if it has one. */
                namespace?: string | null;
                /** @description more members of the call, such as Gemini's `extra_content`. */
                extra?: {
                    [key: string]: unknown;
                } | null;
            } | [
                string,
                string | string[] | {
                    [key: string]: unknown;
                } | null,
                string | null
            ] | string;
            /** @description Create a web search. */
            web_search?: {
                /** @description URLs that were consulted; the API sends them only if the request includes them. */
                sources?: string[] | null;
            } | null | string[] | string;
        };
        /**
         * pace
         * @description The pace at which a model answers.
         */
        pace: {
            /** @description time to first token, in seconds. The head is sent with it, as OpenAI does. */
            ttft?: number;
            /** @description inter-token latency: seconds between two events after that. */
            itl?: number;
            /** @description spread of each gap, in seconds; with `lognormal`, of the gap's logarithm. */
            jitter?: number;
            /** @description seed for the gaps; without one they differ each time. */
            seed?: number | string | null;
            /**
             * @description `uniform`, `constant`, `normal` or `lognormal`.
             * @enum {unknown}
             */
            distribution?: "constant" | "uniform" | "normal" | "lognormal";
            /** @description probability that a gap is a stall, from 0 to 1. */
            stall_chance?: number;
            /** @description duration of a stall, in seconds. */
            stall_seconds?: number;
            /** @description measured times, in seconds, evenly spaced from the shortest to the longest, such as minimum, median and maximum. Each time is drawn from them, instead of from `ttft` or `itl` and `jitter`. */
            ttft_quantiles?: number[];
            /** @description measured times, in seconds, evenly spaced from the shortest to the longest, such as minimum, median and maximum. Each time is drawn from them, instead of from `ttft` or `itl` and `jitter`. */
            itl_quantiles?: number[];
        };
        plain_reply: string | components["schemas"]["reply"] | components["schemas"]["stream"] | components["schemas"]["template"] | components["schemas"]["file"] | components["schemas"]["json"] | components["schemas"]["script"] | {
            [key: string]: unknown;
        }[];
        /**
         * reply
         * @description The content of the answer to one request, which a correct consumer must reconstruct.
         */
        reply: {
            /** @description the answer, or the pieces it arrives in. */
            text?: string | string[] | null;
            /** @description reasoning text before the answer (`reasoning_content`). */
            reasoning?: string | string[] | null;
            /** @description the model's refusal, instead of text. */
            refusal?: string | string[] | null;
            /** @description one call or several. */
            tool_calls?: components["schemas"]["call"][];
            /** @description one call in the legacy form. */
            function_call?: components["schemas"]["function"] | null;
            /** @description for each piece of the text (or refusal) its `Logprob`, or several. */
            logprobs?: (components["schemas"]["logprob"] | components["schemas"]["logprob"][])[] | null;
            /**
             * @description one of OpenAI's five; by default it follows from the other arguments; with None the answer never finishes.
             * @enum {unknown}
             */
            finish_reason?: "stop" | "length" | "tool_calls" | "content_filter" | "function_call" | "auto" | null;
            /** @description items in any order, instead of text, reasoning, refusal and calls: strings, `Message`, `Reasoning`, `ToolCall`, `Item`. They are streamed in this order, unless the request's limits shorten them. */
            output?: components["schemas"]["output"][] | null;
            /** @description speech, instead of text. */
            audio?: components["schemas"]["audio"] | null;
            /** @description citations in the text: `url_citation`, or the JSON of another `Annotation`. */
            annotations?: (components["schemas"]["annotation"] | {
                [key: string]: unknown;
            })[];
            /** @description token counts; if None, they are counted from the pieces. */
            usage?: components["schemas"]["usage"] | null;
            /** @description n answers, instead of all the above; `Choice` takes the same arguments. */
            choices?: components["schemas"]["choice"][] | null;
            /** @description an error event that ends the stream after the rest, before anything finishes. If there is nothing else, it is the only event of a chat completion or completion with status 200; a response begins with its usual events. */
            error?: components["schemas"]["error"] | null;
            /**
             * @description whether the error is the only event at every endpoint and in every dialect, as a gateway sends it that gets no answer; nothing but `error` may be given then.
             * @default false
             */
            alone?: boolean;
            stream?: null;
        };
        /**
         * rule
         * @description A rule: it answers the requests that match all its conditions.
         */
        rule: {
            /** @description what it answers. */
            reply?: components["schemas"]["any_reply"];
            /** @description what it answers in turn; the last reply repeats. */
            replies?: components["schemas"]["any_reply"][];
            /** @description the text of the last user message. */
            user?: components["schemas"]["text_pattern"] | null;
            /** @description the text of any system or developer message. */
            system?: components["schemas"]["text_pattern"] | null;
            /** @description the requested model. */
            model?: components["schemas"]["text_pattern"] | null;
            /** @description one or several tools that the request must offer. */
            tools?: components["schemas"]["text_pattern"] | components["schemas"]["text_pattern"][] | null;
            /** @description the id of a tool call that a tool message answers. */
            tool_result?: components["schemas"]["text_pattern"] | null;
            /** @description the text of a tool message after the last assistant message. */
            tool_content?: components["schemas"]["text_pattern"] | null;
            /** @description number of assistant messages in the conversation. */
            turn?: components["schemas"]["count_pattern"] | null;
            /** @description the path, or its part after `/v1/`, for example `chat/completions`. */
            endpoint?: components["schemas"]["text_pattern"] | null;
            /** @description patterns for header values, by header name. */
            headers?: {
                [key: string]: components["schemas"]["text_pattern"];
            } | null;
            /** @description patterns for the values of the query's parameters, by name. */
            query?: {
                [key: string]: components["schemas"]["text_pattern"];
            } | null;
            /** @description values or patterns, by the path of a member of the body, for example `{"messages[0].role": "user", "temperature": gt(1)}`. A path with `*` matches if one of its members does. */
            json?: {
                [key: string]: components["schemas"]["json_value"];
            } | null;
            /** @description whether the request asks for a stream. */
            stream?: boolean | null;
            /** @description attempt number within one logical call, counted from 1. */
            attempt?: components["schemas"]["count_pattern"] | null;
            /** @description request number on its connection, counted from 1. */
            nth?: components["schemas"]["count_pattern"] | null;
            /** @description minimum seconds since the first request. */
            after?: number | null;
            /** @description applied to each reply, from left to right. Of a stream of several exchanges they change the last. */
            faults?: components["schemas"]["fault"][];
            /** @description when events are sent: a `Pace`, or the name of a profile. */
            pace?: components["schemas"]["any_pace"] | null;
            /**
             * @description whether every string in the replies is a template that quotes the request.
             * @default false
             */
            template?: boolean;
            /** @description maximum number of requests that the rule answers. */
            times?: number | null;
            /** @description the probability that the rule answers a request that matches; otherwise an older rule does. */
            chance?: number | null;
            /** @description provider to imitate, for example `azure`; the mock's dialect by default. */
            dialect?: components["schemas"]["dialect"] | "" | null;
        } & (unknown | unknown);
        /**
         * script
         * @description Base class for mappings without unknown keys.
         */
        script: {
            script: [
                components["schemas"]["stream_file_head"]
            ];
        };
        /**
         * stream
         * @description A ready-made stream instead of a reply.
         */
        stream: {
            /** @description the name of a ready-made stream, or the path of a stream file: with a slash or the suffix `.jsonl`, from the scenario's folder. */
            stream: ("audio-delta-ends-with-expires-at-only-no-finish" | "audio-transcript-only-no-content" | "client-fixed-size-reads" | "line-length-limit-go-scanner" | "server-drops-slow-consumer" | "choice-index-increments-per-chunk" | "n-3" | "n-greater-1-index-rewritten-to-zero" | "n-greater-1-several-finish-chunks-before-usage" | "completions-length" | "completions-n-2" | "completions-text" | "gzip-flushed-per-event" | "gzip-middleware-buffers-sse" | "gzip-multi-member" | "gzip-truncated" | "missing-content-encoding" | "stale-content-encoding" | "unsupported-encoding" | "bytes-after-terminal-chunk-answer" | "bytes-after-terminal-chunk" | "http10-or-close-delimited-cut" | "http10-or-close-delimited-no-length" | "http10-or-close-delimited" | "redirect-on-post-301" | "redirect-on-post-302" | "redirect-on-post-303" | "redirect-on-post-308" | "redirect-on-post" | "unsolicited-bytes-on-idle-socket" | "content-alternates-list-and-string" | "content-as-json-number" | "content-list-of-parts" | "content-reference-parts-without-text" | "empty-content-between-reasoning-bursts" | "json-mode-trailing-whitespace-flood" | "literal-less-than-near-think-filter" | "tool-call-markup-in-content-plus-structured-call" | "tool-call-markup-leaked-as-content" | "azure-async-filter-chunk-choice-without-delta" | "azure-filter-annotation-after-finish" | "content-filter-finish-then-eof-without-done" | "content-type-trailing-params-case" | "content-type-trailing-params-charset" | "content-type-trailing-params" | "ndjson-instead-of-sse" | "wrong-content-type-sse-body-missing" | "wrong-content-type-sse-body-octet-stream" | "wrong-content-type-sse-body-text-plain" | "wrong-content-type-sse-body" | "charset-lie" | "invalid-utf8" | "lone-surrogate-escape-in-content" | "lone-surrogate-escape" | "nan-infinity-json" | "stream-freezes-after-trailing-replacement-char" | "surrogate-pair-escapes-within-one-chunk" | "truncated-utf8-before-newline" | "utf8-as-latin1-mojibake-split-across-deltas" | "utf8-split-across-reads" | "litellm-error-mid-stream" | "litellm-length" | "litellm-reasoning" | "litellm-text" | "litellm-tool-calls" | "litellm-usage" | "context-overflow-error-inside-200-stream" | "empty-choices-as-server-failure-signal" | "empty-success-on-context-overflow" | "error-code-integer" | "error-frame-code-only-no-message" | "error-message-is-json-string" | "error-mid-stream" | "error-under-misspelt-key" | "first-frame-is-error-with-null-code" | "malformed-chunk" | "midstream-bare-error-frame-no-done" | "midstream-error-chunk-finish-reason-error" | "nonstandard-error-sse-field-at-200" | "content-filter" | "finish-reason-abort" | "finish-reason-empty-after-stop" | "finish-reason-empty-string-until-end" | "finish-reason-end-turn" | "finish-reason-eos" | "finish-reason-key-omitted-until-end" | "finish-reason-with-last-content" | "finish-stop-on-every-chunk" | "finish-stop-with-tool-calls" | "length" | "stream-ends-without-any-finish-reason" | "structured-output-json-truncated-by-length" | "tool-args-truncated-by-dropped-stream" | "tool-args-truncated-finish-length" | "two-finish-chunks" | "azure-empty-choices-first" | "bare-error-line-midstream" | "bom-at-start" | "bom-before-every-event" | "comment-keepalive" | "cr-at-end-of-read-then-silence" | "cr-terminated-final-event" | "crlf-line-endings" | "crlf-split-between-reads" | "data-line-indented-or-cased-cased" | "data-line-indented-or-cased-space-before-colon" | "data-line-indented-or-cased" | "data-without-space" | "double-data-prefix" | "empty-data-event" | "error-as-field-name" | "event-lines-stripped-by-proxy" | "event-name-only-block" | "event-split-anywhere" | "keep-alive-comments" | "missing-done" | "mixed-line-endings-delay" | "multi-data-line-json" | "named-event-prefix-thread" | "nel-vt-ff-fs-chars-raw" | "nel-vt-ff-fs-chars" | "phantom-event-after-id" | "ping-json-event" | "pretty-json-raw-newlines" | "retry-or-id-only-block" | "single-newline-separators" | "cl-and-te-together" | "duplicate-transfer-encoding" | "lf-only-or-odd-status-line-no-reason" | "lf-only-or-odd-status-line" | "oversized-response-headers-110k" | "oversized-response-headers" | "unsolicited-100-continue" | "204-or-no-body" | "error-null-in-chunk" | "error-status-stalled-body" | "error-status-with-sse-body" | "event-error-bare-payload" | "html-appended-midstream" | "html-or-empty-5xx-body-empty" | "html-or-empty-5xx-body-no-reason" | "html-or-empty-5xx-body" | "instream-error-object" | "instream-error-string" | "nonstream-completion-for-stream" | "overloaded-or-429-after-200-partial" | "overloaded-or-429-after-200" | "created-as-float" | "id-different-on-every-chunk" | "id-missing-drops-content" | "obfuscation-field-on-chunk" | "object-empty-string" | "service-tier-unknown-value" | "string-metadata-repeated-on-every-chunk-concatenated" | "legacy-completions-chat-shaped-logprobs" | "legacy-completions-text-offset-wrong-with-echo" | "logprobs-content-empty-list-on-role-chunk" | "logprobs" | "several-tokens-logprobs-per-chunk" | "content-null-while-reasoning" | "reasoning-and-content-in-same-delta" | "reasoning-content-first-empty-string-then-null" | "reasoning-details-fragments-signature-last" | "reasoning-details-index-always-zero" | "reasoning-signature-after-text-started" | "reasoning" | "think-close-tag-split-across-chunks" | "think-close-tag-without-open-tag" | "think-tag-never-closed" | "delta-refusal-instead-of-content" | "refusal-with-empty-string-content" | "refusal" | "responses-args-truncated-but-response-completed" | "responses-completed-with-empty-output" | "responses-completed-without-output-key" | "responses-completed-without-usage" | "responses-content-index-increments-per-delta" | "responses-created-then-clean-eof" | "responses-error-event-empty-message" | "responses-error-event-nested" | "responses-failed" | "responses-function-args-delta-ciphertext" | "responses-function-args-only-in-completed" | "responses-incomplete-terminal-event" | "responses-incomplete" | "responses-item-id-rotates-every-event" | "responses-keepalive-event" | "responses-missing-content-part-added" | "responses-missing-sequence-number" | "responses-no-arguments-done-for-zero-arg-call" | "responses-only-created-textdone-completed" | "responses-output-index-collision" | "responses-reasoning" | "responses-refusal-delta" | "responses-refusal" | "responses-sequence-number-gap-or-nonmonotonic" | "responses-sequence-number-negative-sentinel" | "responses-text" | "responses-tool-calls" | "responses-usage-on-incomplete-or-failed" | "responses-vendor-keep-alive-event" | "responses-web-search" | "429-retry-after-forms-both" | "429-retry-after-forms-date" | "429-retry-after-forms-long" | "429-retry-after-forms-ms" | "429-retry-after-forms-negative" | "429-retry-after-forms" | "close-before-response-half-head" | "close-before-response-reset" | "close-before-response" | "eventsource-reposts-prompt" | "last-event-id-replay" | "litellm-midstream-fallback-error" | "retryable-status-set-409" | "retryable-status-set-413" | "retryable-status-set-422" | "retryable-status-set-425" | "retryable-status-set-429" | "retryable-status-set-500" | "retryable-status-set-502" | "retryable-status-set-503" | "retryable-status-set-524" | "retryable-status-set-529" | "retryable-status-set" | "stale-keepalive-race-reset" | "stale-keepalive-race" | "x-should-retry-header-400-true" | "x-should-retry-header-429" | "x-should-retry-header" | "role-empty-string" | "role-never-sent" | "role-null-on-later-chunks" | "role-repeated-every-chunk" | "azure-first-chunk-empty-choices-prompt-filter" | "chat-consumer-given-responses-events" | "choices-null" | "chunk-carries-message-instead-of-delta" | "citations-extension-fields-top-level" | "data-null-frame" | "delta-and-message-both-present" | "delta-key-missing" | "many-consecutive-empty-chunks" | "native-response-field-instead-of-choices" | "nonstream-json-body-followed-by-done" | "prompt-progress-chunks-before-content" | "usage-chunk-without-choices-key" | "usage-or-keepalive-frame-without-choices" | "whole-answer-as-one-chunk-when-tools-enabled" | "clean-eof-no-done-close" | "clean-eof-no-done" | "done-then-connection-held" | "drain-after-done-trickle" | "empty-200-stream-content-length" | "empty-200-stream" | "events-after-done" | "fin-after-done-no-zero-chunk" | "incomplete-chunked-read" | "invalid-chunk-size-midbody-502" | "invalid-chunk-size-midbody" | "missing-crlf-after-chunk" | "split-terminal-chunk" | "tcp-rst-after-done" | "empty-deltas" | "empty" | "long" | "one-token" | "text" | "unicode" | "cloudflare-524" | "heartbeat-defeats-idle-timeout" | "slow-drip" | "stall-before-headers" | "stall-midstream-node-no-timeout" | "stall-midstream-python" | "second-parallel-call-same-index-new-id" | "tool-call-continuation-empty-id-no-name" | "tool-call-continuation-null-id-name" | "tool-call-id-changes-between-fragments" | "tool-call-id-never-sent" | "tool-call-id-type-name-repeated-every-fragment" | "tool-call-identity-only-on-first-delta" | "tool-call-index-always-zero-parallel" | "tool-call-index-missing-decodes-to-zero" | "tool-call-index-missing" | "tool-call-index-starts-at-one" | "tool-call-metadata-repeated-with-last-args-and-finish" | "tool-call-name-arrives-after-arguments" | "tool-call-name-repeated-id-inside-function" | "tool-call-type-missing" | "tool-call-type-null-later" | "tool-name-split-across-deltas" | "content-and-tool-calls-in-same-delta" | "delta-tool-calls-as-single-object" | "empty-content-alongside-tool-calls" | "function-call-legacy" | "legacy-function-call-deltas" | "legacy-function-call-stub-on-tool-terminal-chunk" | "parallel-calls-in-n-choices-share-index" | "several-tool-calls-in-one-chunk-with-finish" | "text-then-tool-call" | "tool-call-args-interleaved-by-index" | "tool-call-arguments-as-object" | "tool-call-arguments-empty-object-then-string-fragments" | "tool-call-cut-by-length" | "tool-call-extra-content-thought-signature" | "tool-call-no-arguments" | "tool-call-without-arguments-key" | "tool-call" | "tool-calls-empty-array-on-content-chunks" | "tool-calls-parallel" | "transcription-text" | "reset" | "silence" | "stall" | "truncation" | "final-usage-chunk-empty-choices" | "usage-chunk-with-empty-id" | "usage-chunk-with-nonempty-dummy-choice" | "usage-counts-null" | "usage-inside-choice" | "usage-on-content-chunk-and-again-at-end" | "usage-on-every-chunk-cumulative" | "usage-partial-object-on-intermediate-chunk" | "usage") | string;
        } & {
            [key: string]: null;
        };
        /** stream_file_head */
        stream_file_head: {
            mockserver: number;
            /** @default null */
            name?: string | null;
            /** @default null */
            family?: string | null;
            /** @default null */
            description?: string | null;
            /** @default [] */
            citations?: string[];
            /** @default null */
            request?: {
                [key: string]: unknown;
            } | null;
            /** @default null */
            requirement?: components["schemas"]["stream_file_requirement"] | null;
            /** @default null */
            expect?: {
                [key: string]: unknown;
            } | null;
            /** @default null */
            recorded?: {
                [key: string]: unknown;
            } | null;
            /** @default [] */
            redacted?: string[];
            response?: components["schemas"]["stream_file_response"];
        };
        /** stream_file_requirement */
        stream_file_requirement: {
            /** @enum {unknown} */
            level: "MAY" | "MUST" | "SHOULD";
            text: string;
            source: string;
        };
        /** stream_file_response */
        stream_file_response: {
            /** @default 200 */
            status?: number;
            /** @default [] */
            headers?: [
                string,
                string
            ][];
            /** @default 0 */
            delay?: number;
            /** @default false */
            raw?: boolean;
        };
        /** stream_file_step */
        stream_file_step: {
            /** @default null */
            t?: number | null;
            json?: unknown;
            data?: string;
            /** @default null */
            event?: string | null;
            /** @default null */
            id?: string | null;
            /** @default null */
            retry?: number | null;
            comment?: string;
            pause?: number;
            text?: string;
            base64?: string;
            /** @default null */
            events?: number | null;
            /** @enum {unknown} */
            boundary?: true;
            held?: number;
            end?: string;
        };
        /**
         * template
         * @description A text that quotes the request.
         */
        template: {
            /** @description the text, a Jinja template such as `You said {{ request.user }}`. */
            template: string;
        };
        templated_reply: string | components["schemas"]["reply"];
        text_pattern: string | {
            /** @description Return a pattern that matches any text that contains `part`. */
            contains?: string;
            /** @description Return a pattern that matches any text in which a regular expression is found. */
            regex?: string;
            /** @description Return a pattern that matches numbers greater than a limit. */
            gt?: number;
            /** @description Return a pattern that matches a limit and all greater numbers. */
            ge?: number;
            /** @description Return a pattern that matches numbers less than a limit. */
            lt?: number;
            /** @description Return a pattern that matches a limit and all lesser numbers. */
            le?: number;
            /** @description Return a pattern that matches if one of these patterns does. */
            any_of?: components["schemas"]["text_pattern"][];
            /** @description Return a pattern that matches if all these patterns do. */
            all_of?: components["schemas"]["text_pattern"][];
            /** @description Return a pattern that matches if this pattern does not. */
            not?: components["schemas"]["text_pattern"];
        };
        /** @description Token counts, as in OpenAI's usage object. */
        usage: {
            prompt_tokens?: number;
            completion_tokens?: number;
            total_tokens?: number;
            cached_tokens?: number;
            prompt_audio_tokens?: number;
            reasoning_tokens?: number;
            audio_tokens?: number;
            accepted_prediction_tokens?: number;
            rejected_prediction_tokens?: number;
            extra?: {
                [key: string]: unknown;
            };
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    getHealth: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Whether the server is up */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    isLive: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Whether the process lives */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    isReady: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Whether the server answers requests; 503 while its engine starts up */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    listRules: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List the rules */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleList"];
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    replaceRules: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["rule"] | components["schemas"]["rule"][] | components["schemas"]["NewRules"];
            };
        };
        responses: {
            /** @description Replace all rules at once */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleList"];
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The body is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    addRules: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["rule"] | components["schemas"]["rule"][] | components["schemas"]["NewRules"];
            };
        };
        responses: {
            /** @description Add a rule, or a list of rules */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleList"];
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The body is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    deleteRules: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Delete all rules */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    getRule: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                number: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Get a rule */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleSummary"];
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    deleteRule: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                number: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Delete a rule */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    listCalls: {
        parameters: {
            query?: {
                path?: string;
                endpoint?: string;
                model?: string;
                rule?: number;
                problem?: boolean;
                since?: number;
                after?: number;
                limit?: number;
                order?: "newest" | "oldest";
                include?: "request";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List calls, page by page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CallList"];
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    followCalls: {
        parameters: {
            query?: {
                begin?: "now" | "start";
                last_event_id?: string;
            };
            header?: {
                "Last-Event-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Follow the calls as an event stream */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    getHar: {
        parameters: {
            query?: {
                path?: string;
                endpoint?: string;
                model?: string;
                rule?: number;
                problem?: boolean;
                since?: number;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Get calls as a HAR file */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: unknown;
                    };
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    getCall: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                number: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Get a call with its request, and what was written when */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CallDetail"];
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    getResponse: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                number: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Get the response to a call as a stream file */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/jsonl": string;
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description It conflicts with what is there. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    listEvents: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                number: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Take a response apart: its events, what it says, and what is odd about it */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ResponseEvents"];
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description It conflicts with what is there. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    listNearMisses: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                number: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Say why each rule does not answer a call */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NearMisses"];
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    listChoices: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List the faults with their arguments, the paces and the dialects */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Choices"];
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    listStreams: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List the ready-made streams */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReadyMade"][];
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    getCurl: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                number: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Get the request as a command for curl */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain; charset=utf-8": string;
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description It conflicts with what is there. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    getTest: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                number: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Get a call as a test for pytest */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain; charset=utf-8": string;
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description It conflicts with what is there. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    getRuleOfCall: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                number: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Get a rule that answers the request again, for a scenario file */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain; charset=utf-8": string;
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description It conflicts with what is there. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    listProblems: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List the calls that could not be answered or recorded */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CallSummary"][];
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    verify: {
        parameters: {
            query?: {
                unused?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Check what the pytest fixture checks at the end of a test */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Verdict"];
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    reset: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Reset"];
            };
        };
        responses: {
            /** @description Forget rules, calls and created objects */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The body is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    getSettings: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Get the settings */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Settings"];
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    changeSettings: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SettingsChange"];
            };
        };
        responses: {
            /** @description Change some settings at once */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Settings"];
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The body is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    getEngine: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Get the capacity of the mock, and what it does with it */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EngineState"];
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    setEngine: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EngineChange"];
            };
        };
        responses: {
            /** @description Begin with another engine */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EngineState"];
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The body is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    listSandboxes: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List the sandboxes */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SandboxList"];
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    createSandbox: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["NewSandbox"];
            };
        };
        responses: {
            /** @description Create a sandbox */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SandboxSummary"];
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description It conflicts with what is there. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The body is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    getSandbox: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Get a sandbox */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SandboxSummary"];
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    deleteSandbox: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Delete a sandbox */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    listRecordings: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List the recordings */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RecordingList"];
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    startRecording: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RecordingStart"];
            };
        };
        responses: {
            /** @description Record the responses of an upstream to requests that no rule answers */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RecordingList"];
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The body is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    stopRecording: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Stop recording */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RecordingList"];
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    getRecording: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Download a recording, which is a stream file */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/jsonl": string;
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    listJobs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List the jobs that take time */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobList"];
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    advanceJobs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TimeStep"];
            };
        };
        responses: {
            /** @description Advance the clock of jobs and webhooks */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobList"];
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The body is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    finishJob: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description End a job as it would have ended by itself */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobSummary"];
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description It conflicts with what is there. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    failJob: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["JobError"];
            };
        };
        responses: {
            /** @description Let a job fail */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobSummary"];
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description It conflicts with what is there. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The body is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    listWebhooks: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List the receivers of webhooks */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EndpointList"];
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    addWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewEndpoint"];
            };
        };
        responses: {
            /** @description Add a receiver of webhooks */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewEndpointSummary"];
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The body is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    deleteWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                number: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Remove a receiver of webhooks */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    sendWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WebhookToSend"];
            };
        };
        responses: {
            /** @description Send an event to the receivers of webhooks */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeliveryList"];
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description It conflicts with what is there. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The body is not valid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    listDeliveries: {
        parameters: {
            query?: {
                after?: number;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List the deliveries of webhooks, page by page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeliveryList"];
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
    getOpenApi: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Get this document */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: unknown;
                    };
                };
            };
            /** @description The request cannot be read. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The control token is missing or wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The host or the origin is not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
            /** @description The method is not allowed. */
            405: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemShape"];
                };
            };
        };
    };
}
