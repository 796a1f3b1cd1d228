//! The steps of the demonstration: what each did, how long it took, and what it created.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub struct Account {
    began: Instant,
    steps: Vec<Step>,
}

struct Step {
    what: String,
    took: Duration,
    made: String,
}

impl Account {
    /// The Makefile sets `DEMO_BEGAN` to the time of its start, because this program may be compiled first.
    pub fn new() -> Self {
        let mut account = Self { began: Instant::now(), steps: Vec::new() };
        let called: Option<u64> =
            std::env::var("DEMO_BEGAN").ok().and_then(|text| text.parse().ok());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        if let Some(took) = called.and_then(|called| now.checked_sub(Duration::from_secs(called)))
            && let Some(began) = account.began.checked_sub(took)
        {
            account.began = began;
            account.step("compile this program", "target/debug/xtask".to_owned(), began);
        }
        account
    }

    pub fn step(&mut self, what: &str, made: String, began: Instant) {
        let took = began.elapsed();
        println!("==> {what}: {:.1} s", took.as_secs_f32());
        self.steps.push(Step { what: what.to_owned(), took, made });
    }

    pub fn print(&self) {
        println!("\nThe operator runs a Flink job. The steps:\n");
        println!("{:>8}  {:<40} result", "seconds", "step");
        for step in &self.steps {
            println!("{:>8.1}  {:<40} {}", step.took.as_secs_f32(), step.what, step.made);
        }
        println!("{:>8.1}  in total\n", self.began.elapsed().as_secs_f32());
    }
}
