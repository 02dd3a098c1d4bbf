//! Services of the machine for the server: time, threads, sockets, passwords, metrics.

pub mod password_pool;
pub mod new_password;
pub mod password;
pub mod progress;
pub mod occasional;
pub mod service_manager;
pub mod clock;
pub mod metrics;
pub mod process;
pub mod tcp;
pub mod encoding;
pub mod low_priority;
pub mod new_file;
pub mod shutdown;
