import { createApp } from "./app.ts";

createApp().listen(5000, "127.0.0.1", () => console.log("http://127.0.0.1:5000/"));
