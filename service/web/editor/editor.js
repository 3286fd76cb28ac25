// The editor of the page /sql: CodeMirror with SQL highlighting and completion. `make editor` bundles this file; sql.js calls makeEditor.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { PostgreSQL, sql } from "@codemirror/lang-sql";
import { HighlightStyle, bracketMatching, syntaxHighlighting } from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import { EditorView, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";

// The colours of the page in both colour schemes.
const highlighting = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--accent)", fontWeight: "600" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--better)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--worse)" },
  { tag: tags.comment, color: "var(--soft)", fontStyle: "italic" },
  { tag: [tags.typeName, tags.standard(tags.name)], color: "var(--accent)" },
]);
const theme = EditorView.theme({
  "&": { color: "var(--ink)", backgroundColor: "var(--paper)", border: "1px solid var(--strong-line)", borderRadius: "3px" },
  "&.cm-focused": { outline: "3px solid #e0a100", outlineOffset: "2px" },
  ".cm-scroller": { minHeight: "14.8125rem", maxHeight: "32rem", font: "0.875rem/1.55 var(--mono)" },
  ".cm-content, .cm-gutter": { minHeight: "14.8125rem" },
  ".cm-content": { caretColor: "var(--ink)" },
  ".cm-gutters": { color: "var(--soft)", backgroundColor: "var(--tint)", borderRight: "1px solid var(--line)" },
  ".cm-tooltip": { color: "var(--ink)", backgroundColor: "var(--paper)", border: "1px solid var(--strong-line)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { color: "var(--on-dark)", backgroundColor: "var(--button)" },
});

// Show an editor in `parent`. `schema` has the columns of each view. Tab leaves the editor, as in a text field.
// The Content-Security-Policy forbids style elements. In a shadow root, CodeMirror uses a constructed style sheet.
export function makeEditor({ parent, text, schema, label, onChange, onRun }) {
  const root = parent.attachShadow({ mode: "open" });
  const run = () => {
    onRun();
    return true;
  };
  const state = EditorState.create({
    doc: text,
    extensions: [
      keymap.of([{ key: "Mod-Enter", run, preventDefault: true }]),
      lineNumbers(),
      history(),
      bracketMatching(),
      closeBrackets(),
      autocompletion(),
      syntaxHighlighting(highlighting),
      theme,
      sql({ dialect: PostgreSQL, schema }),
      keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...completionKeymap]),
      EditorView.lineWrapping,
      EditorView.contentAttributes.of({ "aria-label": label, autocapitalize: "off" }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) onChange(update.state.doc.toString());
      }),
    ],
  });
  return new EditorView({ parent: root, root, state });
}
