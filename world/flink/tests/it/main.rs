//! Simulated clusters as a client and the simulated Kubernetes see them, and the parts that they are made of.

#[cfg(test)]
mod clusters;
#[cfg(test)]
mod configuration;
#[cfg(test)]
mod fault;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod store;
