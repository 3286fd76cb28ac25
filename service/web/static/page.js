// The key "/" moves to the search box, as on other sites. Without JavaScript the box works the same.
document.addEventListener("keydown", (event) => {
  const box = document.getElementById("search");
  // The first element of the path is inside the shadow root of the SQL editor.
  const isTyping = event.composedPath()[0].closest("input, textarea, select, [contenteditable]");
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isTyping || !box) return;
  event.preventDefault();
  box.focus();
  box.select();
});
