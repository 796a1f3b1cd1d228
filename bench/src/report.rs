//! The printed report of a result.

use std::collections::{BTreeMap, BTreeSet};

use crate::outcome::{Ours, Outcome, Run, Writes};
use crate::spread::Spread;
use crate::upstream;

/// Target for the time to the Deployment, as a multiple of the bare client's (medians).
pub const RATIO_AIM: f64 = 1.3;

/// Target for the delay of the status after all tasks run, in seconds (median).
pub const LATE_AIM_S: f64 = 1.0;

/// The format of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Text,
    Markdown,
}

/// A target, and whether it was met.
#[derive(Clone, Debug, PartialEq)]
pub struct Aim {
    pub text: String,
    pub met: bool,
}

/// One line of the table: a figure and its values for each side.
struct Row {
    figure: &'static str,
    ours: String,
    bare: String,
    ratio: String,
    upstream: &'static str,
}

const HEADER: [&str; 5] =
    ["min / p50 / p90 / max", "operator", "bare client", "ratio of p50", "Java operator"];

/// Whether the medians meet the targets. Without runs no target is met.
pub fn aims(outcome: &Outcome) -> Vec<Aim> {
    let runs = &outcome.runs;
    let ratio = ratio(runs, |writes| writes.deployment_s);
    let late = spread(runs, |ours| ours.late_s).map(|late| late.p50);
    let aim = |text: String, found: Option<f64>, limit: f64| {
        let met = found.is_some_and(|found| found <= limit);
        let verdict = if met { "met" } else { "not met" };
        Aim { text: format!("{text}: {verdict}"), met }
    };
    let shown = |found: Option<f64>| {
        found.map_or_else(|| "nothing".to_owned(), |found| format!("{found:.2}"))
    };
    vec![
        aim(
            format!(
                "Target: the Deployment within {RATIO_AIM} times the bare client's time. Measured {}",
                shown(ratio)
            ),
            ratio,
            RATIO_AIM,
        ),
        aim(
            format!(
                "Target: RUNNING in the status within {LATE_AIM_S} s after all tasks run. Measured {} s",
                shown(late)
            ),
            late,
            LATE_AIM_S,
        ),
    ]
}

/// The whole report.
pub fn of(outcome: &Outcome, form: Form) -> String {
    let mut text = String::new();
    let mut line = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    line(&conditions(outcome));
    line("");
    for row in table(&rows(&outcome.runs), form) {
        line(&row);
    }
    line("");
    line(&requests(
        "The operator's requests up to RUNNING and STABLE, per application",
        outcome.runs.iter().map(|run| &run.ours.requests),
    ));
    line("");
    line(&requests(
        "The operator's requests for a deletion",
        outcome.runs.iter().map(|run| &run.ours.delete_requests),
    ));
    line("");
    for note in notes(outcome) {
        line(&note);
    }
    line("");
    for aim in aims(outcome) {
        line(&match form {
            Form::Text => aim.text,
            Form::Markdown => format!("- {}", aim.text),
        });
    }
    text
}

fn conditions(outcome: &Outcome) -> String {
    let conditions = &outcome.conditions;
    let load = Spread::of(outcome.runs.iter().map(|run| run.load));
    let load =
        load.map_or_else(|| "-".to_owned(), |load| format!("{:.1} to {:.1}", load.min, load.max));
    format!(
        "{} applications, in turns with the bare client, from {}; {} cores, load before each {load}; Kubernetes {}; \
         operator: {}.",
        outcome.runs.len(),
        conditions.began_at,
        conditions.cores,
        conditions.kubernetes,
        conditions.operator,
    )
}

fn rows(runs: &[Run]) -> Vec<Row> {
    let writes = |figure, value: fn(&Writes) -> f64, upstream| Row {
        figure,
        ours: millis(spread(runs, |ours| value(&ours.writes))),
        bare: millis(Spread::of(runs.iter().map(|run| value(&run.bare)))),
        ratio: ratio(runs, value).map_or_else(String::new, |ratio| format!("{ratio:.2}")),
        upstream,
    };
    // Parts of the first line. They are too short for ratios.
    let part = |figure, value| Row { ratio: String::new(), ..writes(figure, value, "") };
    let alone = |figure, ours, upstream| Row {
        figure,
        ours,
        bare: String::new(),
        ratio: String::new(),
        upstream,
    };
    let time = |figure, value: fn(&Ours) -> f64, upstream| {
        alone(figure, in_seconds(spread(runs, value)), upstream)
    };
    vec![
        writes(
            "resource created -> JobManager Deployment created",
            |writes| writes.deployment_s,
            upstream::DEPLOYMENT,
        ),
        part("  of it: until the first write arrives", |writes| writes.first_write_s),
        part("  of it: the API server's time for the writes", |writes| writes.in_server_s),
        part("  of it: between the writes", |writes| writes.between_s),
        Row {
            figure: "  writes up to the Deployment",
            ours: number(spread(runs, |ours| count(ours.writes.count))),
            bare: number(Spread::of(runs.iter().map(|run| count(run.bare.count)))),
            ratio: String::new(),
            upstream: "",
        },
        writes("resource created -> all objects created", |writes| writes.objects_s, ""),
        time("-> job RUNNING in Flink", |ours| ours.job_running_s, upstream::JOB_RUNNING),
        time("-> all tasks running in Flink", |ours| ours.tasks_running_s, ""),
        time("-> RUNNING and STABLE in the status", |ours| ours.stable_s, upstream::STABLE),
        time("delay of the status after all tasks run", |ours| ours.late_s, ""),
        time(
            "delay of the status after RUNNING in Flink",
            |ours| ours.late_since_state_s,
            upstream::LATE_SINCE_STATE,
        ),
        alone(
            "requests up to RUNNING and STABLE",
            number(spread(runs, |ours| count(ours.requests.values().sum()))),
            upstream::REQUESTS,
        ),
        alone(
            "  of them status writes",
            number(spread(runs, |ours| count(status_writes(&ours.requests)))),
            upstream::STATUS_WRITES,
        ),
        time("deletion -> all objects gone", |ours| ours.deleted_s, upstream::DELETED),
        alone(
            "requests for the deletion",
            number(spread(runs, |ours| count(ours.delete_requests.values().sum()))),
            upstream::DELETE_REQUESTS,
        ),
    ]
}

fn table(rows: &[Row], form: Form) -> Vec<String> {
    let lines: Vec<[&str; 5]> = std::iter::once(HEADER)
        .chain(rows.iter().map(|row| {
            [row.figure, row.ours.as_str(), row.bare.as_str(), row.ratio.as_str(), row.upstream]
        }))
        .collect();
    match form {
        Form::Text => {
            let mut widths = [0; 5];
            for line in &lines {
                for (width, cell) in widths.iter_mut().zip(line) {
                    *width = cell.len().max(*width);
                }
            }
            let padded = |line: &[&str; 5]| {
                let cells = line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
                cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
            };
            lines.iter().map(padded).collect()
        }
        Form::Markdown => {
            let row = |line: &[&str; 5]| format!("| {} |", line.map(str::trim).join(" | "));
            let mut table: Vec<String> = lines.iter().map(row).collect();
            table.insert(1, "|---|---|---|---|---|".to_owned());
            table
        }
    }
}

fn requests<'a>(title: &str, runs: impl Iterator<Item = &'a BTreeMap<String, usize>>) -> String {
    let runs: Vec<_> = runs.collect();
    let keys: BTreeSet<&String> = runs.iter().flat_map(|counts| counts.keys()).collect();
    let shown = keys.into_iter().map(|key| {
        let of_run = |counts: &&BTreeMap<String, usize>| counts.get(key).copied().unwrap_or(0);
        let (min, max) = (runs.iter().map(of_run).min(), runs.iter().map(of_run).max());
        let (min, max) = (min.unwrap_or(0), max.unwrap_or(0));
        let counts = if min == max { max.to_string() } else { format!("{min} to {max}") };
        format!("{counts} {key}")
    });
    format!("{title}: {}.", shown.collect::<Vec<_>>().join(", "))
}

fn notes(outcome: &Outcome) -> Vec<String> {
    let mut notes = vec![
        "Times depend on the machine and its load, so only columns of one run can be compared. The Java operator's figures \
         are single creations on the same kind of machine on another day, with high availability; docs/benchmarks.md \
         has their conditions. Its delay was measured after RUNNING in Flink only, which Flink reports before the \
         TaskManager has started. Delays are overstated by at most one poll of Flink: 0.05 s and an answer."
            .to_owned(),
    ];
    if !outcome.conditions.optimised {
        notes.push(
            "This program is a debug build, so its bare client is slow and the ratio is too low."
                .to_owned(),
        );
    }
    if !outcome.conditions.left_out.is_empty() {
        notes.push(format!(
            "The bare client does not repeat these writes after the Deployment: {}.",
            outcome.conditions.left_out.join(", ")
        ));
    }
    notes
}

fn spread(runs: &[Run], value: impl Fn(&Ours) -> f64) -> Option<Spread> {
    Spread::of(runs.iter().map(|run| value(&run.ours)))
}

/// The operator's median divided by the bare client's.
fn ratio(runs: &[Run], value: fn(&Writes) -> f64) -> Option<f64> {
    let ours = spread(runs, |ours| value(&ours.writes))?;
    let bare = Spread::of(runs.iter().map(|run| value(&run.bare)))?;
    Some(ours.p50 / bare.p50)
}

fn status_writes(requests: &BTreeMap<String, usize>) -> usize {
    let is_write = |key: &str| {
        ["patch", "update"].iter().any(|verb| {
            key.strip_prefix(verb).is_some_and(|rest| rest.starts_with(" flinkdeployments/status"))
        })
    };
    requests.iter().filter(|(key, _)| is_write(key)).map(|(_, count)| count).sum()
}

fn millis(spread: Option<Spread>) -> String {
    let Some(Spread { min, p50, p90, max }) = spread else { return String::new() };
    format!("{:.1} / {:.1} / {:.1} / {:.1} ms", min * 1e3, p50 * 1e3, p90 * 1e3, max * 1e3)
}

fn in_seconds(spread: Option<Spread>) -> String {
    let Some(Spread { min, p50, p90, max }) = spread else { return String::new() };
    format!("{min:.2} / {p50:.2} / {p90:.2} / {max:.2} s")
}

fn number(spread: Option<Spread>) -> String {
    let Some(Spread { min, p50, p90, max }) = spread else { return String::new() };
    format!("{min:.0} / {p50:.0} / {p90:.0} / {max:.0}")
}

/// A count as a floating-point number. Counts are too small to lose digits.
fn count(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests;
