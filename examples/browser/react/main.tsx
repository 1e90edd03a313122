import { createRoot } from "react-dom/client";

import { Answer } from "./Answer";

const question = new URLSearchParams(location.search).get("question") ?? "Greet the world.";

createRoot(document.getElementById("root")!).render(<Answer question={question} />);
