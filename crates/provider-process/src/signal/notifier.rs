//! Tells a consumer by a signal.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use keywheel_core::{
    CallContext, Clock, Error, ErrorKind, Result,
    notifier::{Adoption, Notice, Notifier},
    provider::Finding,
};
use rustix::io::Errno;
use tokio::task::spawn_blocking;

use super::{
    SignalName, SignalTarget,
    recipient::{Delivery, Recipient, not_permitted, number},
};
use crate::{evidence::Evidence, refusal::Refusal};

const OPERATION: &str = "signal";

/// How often a process is looked at again before it is taken as one that does not handle the signal, and how long
/// after. The masks in `/proc` are those of an instant.
const LOOKS: u32 = 5;
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Sends one signal to one consumer's processes.
///
/// Nothing is sent before every process was checked: that it is the consumer's, and that it handles the signal
/// (`SigCgt`, `SigBlk` of `/proc/<pid>/status`). `SIGHUP` to a process without a handler ends it, and a consumer that
/// has only just started has none yet: that refusal is transient.
pub struct SignalNotifier {
    target: Arc<SignalTarget>,
    signal: SignalName,
    evidence: Evidence,
    clock: Arc<dyn Clock>,
}

impl SignalNotifier {
    /// Sends `signal` to `target`, and looks at `evidence`. `clock` spaces the looks at a process.
    pub fn new(target: SignalTarget, signal: SignalName, evidence: Evidence, clock: Arc<dyn Clock>) -> Self {
        Self { target: Arc::new(target), signal, evidence, clock }
    }

    /// Takes hold of the processes, and looks at them until it is clear what each does with the signal.
    async fn recipients(&self) -> Result<Vec<Recipient>, Refusal> {
        let target = Arc::clone(&self.target);
        let mut recipients =
            spawn_blocking(move || target.recipients()).await.unwrap_or_else(|_| Err(defect()))?;
        for _ in 0..LOOKS {
            if !recipients.iter().any(|recipient| recipient.is_undecided(self.signal)) {
                break;
            }
            self.clock.sleep(BETWEEN_LOOKS).await;
            let undecided = recipients.iter_mut().filter(|recipient| recipient.is_undecided(self.signal));
            undecided.for_each(|recipient| recipient.look_again(self.signal));
            recipients.retain(|recipient| self.target.still_means(&recipient.process));
        }
        if recipients.is_empty() { Err(gone()) } else { Ok(recipients) }
    }
}

#[async_trait]
impl Notifier for SignalNotifier {
    async fn notify(&self, _context: &CallContext, _notice: &Notice) -> Result<()> {
        let refused = |refusal: Refusal| refusal.into_error(OPERATION);
        let recipients = self.recipients().await.map_err(refused)?;
        recipients.iter().try_for_each(|recipient| recipient.check(self.signal)).map_err(refused)?;
        let deliveries: Vec<_> =
            recipients.iter().map(|recipient| (recipient, recipient.send(self.signal))).collect();
        verdict(&deliveries)
    }

    async fn adopted(&self, notice: &Notice) -> Result<Adoption> {
        Ok(self.evidence.observe(notice).await)
    }

    /// A signal says nothing but that it came.
    fn tells_everything(&self) -> bool {
        true
    }

    async fn examine(&self) -> Vec<Finding> {
        let mut findings = match self.recipients().await {
            Ok(recipients) => obstacles(&recipients, self.signal),
            Err(refusal) => vec![refusal.into()],
        };
        findings.extend(self.evidence.examine().await);
        findings
    }
}

/// What the deliveries amount to: fine if somebody got the signal and nobody was out of reach.
fn verdict(deliveries: &[(&Recipient, Delivery)]) -> Result<()> {
    let sent = deliveries.iter().filter(|(_, delivery)| *delivery == Delivery::Sent).count();
    for (recipient, delivery) in deliveries {
        let Delivery::Refused(errno) = delivery else { continue };
        let error = refused(recipient, *errno).into_error(OPERATION);
        return Err(match sent {
            0 => error,
            _ => Error::maybe_applied(
                error.kind,
                OPERATION,
                format!("{}; {sent} other processes of the consumer did get the signal", error.message),
            ),
        });
    }
    if sent == 0 {
        return Err(gone().into_error(OPERATION));
    }
    Ok(())
}

fn refused(recipient: &Recipient, errno: Errno) -> Refusal {
    let (pid, comm) = (recipient.process.pid, &recipient.process.comm);
    if errno == Errno::PERM {
        return not_permitted(pid, comm);
    }
    Refusal::new(
        ErrorKind::Internal,
        format!("process {} ({comm}) cannot be signalled: {errno}", number(pid)),
        "report this: keywheel does not know the error",
    )
}

fn obstacles(recipients: &[Recipient], signal: SignalName) -> Vec<Finding> {
    let checks =
        recipients.iter().flat_map(|recipient| [recipient.check(signal), recipient.check_permission()]);
    checks.filter_map(Result::err).map(Finding::from).collect()
}

fn gone() -> Refusal {
    Refusal::new(ErrorKind::NotFound, "the consumer ended just before the signal could be sent", "start it")
}

fn defect() -> Refusal {
    Refusal::new(ErrorKind::Internal, "the task that looks for the processes panicked", "report this")
}
