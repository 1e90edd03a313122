// A React component that shows the relayed answer as it arrives.

import { useEffect, useState } from "react";

import { events } from "./events";

export function Answer({ question }: { question: string }) {
  const [answer, setAnswer] = useState("");
  const [status, setStatus] = useState("streaming");

  useEffect(() => {
    const abort = new AbortController();

    async function read() {
      setAnswer("");
      setStatus("streaming");
      const query = new URLSearchParams({ question });
      const response = await fetch(`/stream?${query}`, { signal: abort.signal });
      for await (const { name, text } of events(response)) {
        if (name === "text") setAnswer((answer) => answer + text);
        if (name === "done") setStatus("done");
        if (name === "failed") setStatus(`failed: ${text}`);
      }
    }

    read().catch((error: Error) => {
      if (!abort.signal.aborted) setStatus(`failed: ${error.message}`);
    });
    return () => abort.abort(); // unmounted, or another question: end the stream
  }, [question]);

  return (
    <>
      <p id="answer">{answer}</p>
      <p id="status">{status}</p>
    </>
  );
}
