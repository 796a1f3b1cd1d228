//! Java exceptions as Flink sends them: as text, with a stack trace.

use std::fmt;

use serde::Deserialize;

use crate::wire;

/// The longest chain of causes that is read.
const CAUSES_MAX: usize = 50;
/// The longest message of one cause that is kept, in characters.
const MESSAGE_MAX: usize = 2_000;

/// A failure inside Flink: the cause of a failed job or operation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Throwable {
    /// Class of the outermost exception, which is often only a wrapper such as `java.util.concurrent.CompletionException`.
    #[serde(default, deserialize_with = "wire::or_default")]
    pub class: String,
    /// The text with all frames and causes, at most 64 KiB of it.
    #[serde(default, rename = "stack-trace", deserialize_with = "wire::stack_trace")]
    pub stack_trace: String,
}

impl Throwable {
    /// The exceptions from the outermost to the root, without frames.
    pub fn causes(&self) -> Vec<Cause> {
        causes(&self.stack_trace)
    }

    /// What went wrong, in one line: the outermost message that is not a wrapper's and, if it differs, the root cause.
    pub fn summary(&self) -> String {
        let causes = self.causes();
        if causes.is_empty() { self.class.clone() } else { summary(&causes) }
    }

    /// Whether any exception of the chain has a class with this simple name.
    pub fn has_class(&self, simple_name: &str) -> bool {
        self.causes().iter().any(|cause| cause.simple_class() == simple_name)
    }
}

/// One exception of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The full name of the class; empty when the text names none.
    pub class: String,
    /// The message, perhaps of several lines; empty when there is none.
    pub message: String,
}

impl Cause {
    fn parse(text: &str) -> Self {
        let (class, message) = split_class(text).unwrap_or(("", text));
        Self { class: class.to_owned(), message: crate::error::cut(message.trim(), MESSAGE_MAX) }
    }

    /// The class without its package.
    pub fn simple_class(&self) -> &str {
        simple(&self.class)
    }
}

/// `SimpleClass: message`, without the classes of wrappers.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut class, mut message) = (self.class.as_str(), self.message.as_str());
        while is_wrapper(class)
            && let Some((inner, rest)) = split_class(message)
        {
            (class, message) = (inner, rest);
        }
        match (is_wrapper(class) || class.is_empty(), message.is_empty()) {
            (true, false) => f.write_str(message),
            (_, true) => f.write_str(simple(class)),
            (false, false) => write!(f, "{}: {message}", simple(class)),
        }
    }
}

/// Reads the chain of exceptions out of a printed stack trace.
pub(crate) fn causes(text: &str) -> Vec<Cause> {
    let mut heads: Vec<String> = Vec::new();
    let mut in_frames = false;
    for line in text.lines() {
        if let Some(head) = line.strip_prefix("Caused by: ") {
            if heads.len() == CAUSES_MAX {
                break;
            }
            heads.push(head.to_owned());
            in_frames = false;
        } else if is_frame(line) {
            in_frames = true;
        } else if heads.is_empty() {
            if !line.trim().is_empty() {
                heads.push(line.to_owned());
            }
        } else if !in_frames && let Some(head) = heads.last_mut() {
            // A message of several lines.
            head.push('\n');
            head.push_str(line);
        }
    }
    heads.iter().map(|head| Cause::parse(head)).collect()
}

/// One line of text; see [`Throwable::summary`].
pub(crate) fn summary(causes: &[Cause]) -> String {
    let first = causes.first().map(ToString::to_string).unwrap_or_default();
    let root = causes.last().map(ToString::to_string).unwrap_or_default();
    let whole = if first.contains(&root) { first } else { format!("{first}; root cause: {root}") };
    crate::error::shorten(&whole, 500)
}

fn is_frame(line: &str) -> bool {
    let text = line.trim_start();
    text.len() < line.len()
        && (text.starts_with("at ") || text.starts_with("... ") || text.starts_with("Suppressed: "))
}

/// Splits `org.example.Fault: message` into class and message.
fn split_class(text: &str) -> Option<(&str, &str)> {
    let (head, rest) = text.split_once(':').unwrap_or((text, ""));
    let class_like = head.contains('.')
        && !head.ends_with('.')
        && head.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'$'));
    class_like.then(|| (head, rest.trim_start()))
}

/// Classes that only wrap another exception, or a message for the user.
fn is_wrapper(class: &str) -> bool {
    matches!(
        simple(class),
        "CompletionException"
            | "ExecutionException"
            | "SerializedThrowable"
            | "RestHandlerException"
            | "NotFoundException"
    )
}

fn simple(class: &str) -> &str {
    class.rsplit('.').next().unwrap_or(class)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "java.util.concurrent.CompletionException: org.example.Outer: it failed\n\
        \tat org.example.A.a(A.java:1)\n\
        \tat org.example.A.b(A.java:2)\n\
        Caused by: org.example.Outer: it failed\n\
        over two lines\n\
        \tat org.example.B.b(B.java:1)\n\
        \tSuppressed: org.example.Close: ignored\n\
        \t\tat org.example.C.c(C.java:1)\n\
        \t... 3 more\n\
        Caused by: org.example.Inner$Root\n\
        \t... 9 more\n";

    fn of(stack_trace: &str) -> Throwable {
        Throwable { class: "java.lang.Exception".to_owned(), stack_trace: stack_trace.to_owned() }
    }

    #[test]
    fn the_chain_is_read_without_frames_and_suppressed_exceptions() {
        let causes = of(TRACE).causes();
        let pairs: Vec<_> = causes.iter().map(|c| (c.class.as_str(), c.message.as_str())).collect();
        assert_eq!(
            pairs,
            [
                ("java.util.concurrent.CompletionException", "org.example.Outer: it failed"),
                ("org.example.Outer", "it failed\nover two lines"),
                ("org.example.Inner$Root", ""),
            ]
        );
        assert!(of(TRACE).has_class("Inner$Root"));
        assert!(!of(TRACE).has_class("Close"));
    }

    #[test]
    fn the_summary_names_what_failed_and_why() {
        let check = |trace: &str, expected: &str| assert_eq!(of(trace).summary(), expected);
        check(TRACE, "Outer: it failed; root cause: Inner$Root");
        check(
            "java.lang.IllegalStateException: no\n\tat a.B.c(B.java)",
            "IllegalStateException: no",
        );
        check("no class here", "no class here");
        check("", "java.lang.Exception");
    }

    #[test]
    fn nothing_in_a_hostile_text_makes_the_reading_slow_or_large() {
        let endless = "Caused by: a.B: c\n".repeat(100_000);
        assert_eq!(causes(&endless).len(), CAUSES_MAX);
        let wide = format!("a.B: {}", "é".repeat(1_000_000));
        assert!(causes(&wide).iter().all(|c| c.message.chars().count() <= MESSAGE_MAX + 1));
        assert!(of(&wide).summary().chars().count() <= 501);
    }

    #[test]
    fn a_stack_trace_is_kept_up_to_its_limit() {
        let json =
            format!(r#"{{"class":null,"stack-trace":"{}"}}"#, "ü".repeat(wire::STACK_TRACE_MAX));
        let throwable: Throwable = serde_json::from_str(&json).unwrap();
        assert_eq!(throwable.stack_trace.len(), wire::STACK_TRACE_MAX);
        assert_eq!(throwable.class, "");
    }
}
