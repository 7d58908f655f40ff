"use strict";
// A run that begins or ends changes the list.
new EventSource("/changes").addEventListener("message", () => location.reload());
