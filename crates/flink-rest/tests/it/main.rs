//! The client as its users see it: against recorded answers, over real connections, and against hostile ones.

#[cfg(test)]
mod calls;
#[cfg(test)]
mod documented;
#[cfg(test)]
mod fake;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod http;
#[cfg(test)]
mod recorded;
#[cfg(test)]
mod tls;
