//! Renewal: a new key and a new certificate before the old one ends, while the session goes on.

use std::time::Duration;

use orchestrix_common::{
    pki::Pin,
    time::{SharedClock, Timestamp},
};
use orchestrix_proto::v1::{self as pb, enrollment_client::EnrollmentClient};
use rustls::pki_types::CertificateDer;
use tokio_util::sync::CancellationToken;

use super::{
    Identity, IdentityError, checked_roots, connect,
    credential::{Credential, Key},
    enroll::CALL_LIMIT,
    error::explain,
};

/// The longest sleep: the clock may be set, and a suspended host wakes up late.
const NAP: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(120);
/// Between tries when a person has to do something first.
const PERMANENT_PAUSE: Duration = Duration::from_secs(600);

impl Identity {
    /// Renews the certificate, at once, with a new key.
    ///
    /// When another renewal is under way it waits for that and does nothing more.
    ///
    /// # Errors
    /// When the collector refuses or does not answer, or the result cannot be stored.
    pub async fn renew(&self, collector: &str) -> Result<(), IdentityError> {
        let before = self.0.current.load().serial;
        let turn = self.0.renewing.acquire().await;
        let current = self.0.current.load_full();
        if turn.is_err() || current.serial != before {
            return Ok(());
        }
        let key = Key::generate()?;
        let mut request = tonic::Request::new(pb::RenewRequest { csr_der: key.signing_request()? });
        request.set_timeout(CALL_LIMIT);
        let channel = connect::channel(collector, self.connector()).await?;
        let response = EnrollmentClient::new(channel).renew(request).await.map_err(|status| explain(&status))?;
        let pb::RenewResponse { certificate_chain_der, trust_bundle_der } = response.into_inner();
        let chain = certificate_chain_der.into_iter().map(CertificateDer::from).collect();
        let renewed = Credential::new(key, chain, checked_roots(trust_bundle_der)?)?;
        if (renewed.agent_id, &renewed.trust_domain) != (current.agent_id, &current.trust_domain) {
            return Err(IdentityError::Answer("the certificate it issued is for somebody else"));
        }
        let (serial, not_after) = (renewed.serial, renewed.not_after);
        let identity = self.clone();
        super::off_the_runtime(move || identity.replace(|_| Some(renewed))).await?;
        tracing::info!(%serial, %not_after, "certificate renewed");
        Ok(())
    }

    /// Tells the collector that the current certificate is stored and in use, over a connection that shows it. The ones
    /// before it serve no more after that.
    ///
    /// # Errors
    /// When the collector refuses or does not answer.
    pub async fn confirm(&self, collector: &str) -> Result<(), IdentityError> {
        let mut request = tonic::Request::new(pb::ConfirmRequest {});
        request.set_timeout(CALL_LIMIT);
        let channel = connect::channel(collector, self.connector()).await?;
        match EnrollmentClient::new(channel).confirm(request).await {
            Ok(_) => Ok(()),
            // A collector of before this call learns it from the next session.
            Err(status) if status.code() == tonic::Code::Unimplemented => Ok(()),
            Err(status) => Err(explain(&status)),
        }
    }

    /// Asks [`Self::keep_fresh`] for a renewal at a random time within `within`, unless the current certificate comes from
    /// the root with this pin. Asked again, the earlier time stands.
    pub fn renew_unless_from(&self, issuing_root: Pin, within: Duration) {
        if self.0.current.load().comes_from(issuing_root) {
            return;
        }
        let by = self.0.clock.now().plus(within.mul_f64(fastrand::f64()));
        self.0.hurry.send_if_modified(|hurry| {
            let news = hurry.is_none();
            if news {
                tracing::info!(%by, "certificates come from another root now; renewing");
                *hurry = Some(by);
            }
            news
        });
    }

    /// Renews the certificate whenever about half of its life is over, or sooner when asked to, and confirms it; until
    /// `stop`.
    ///
    /// Failed tries are repeated with full jitter, 1 s doubling up to 2 min, or every 10 min when a person has to do
    /// something first. Open connections are not touched.
    pub async fn keep_fresh(&self, collector: &str, clock: SharedClock, stop: CancellationToken) {
        let stopped = stop.cancelled();
        tokio::select! {
            // Dropping the renewal half way is safe: the collector keeps accepting the certificate that is stored.
            () = self.keep_fresh_for_ever(collector, clock) => {}
            () = stopped => {}
        }
    }

    async fn keep_fresh_for_ever(&self, collector: &str, clock: SharedClock) {
        let (mut due, mut failures, mut told) = (self.renewal_due(), 0_u32, None::<String>);
        let mut hurry = self.0.hurry.subscribe();
        let mut unconfirmed = false;
        loop {
            let now = clock.now();
            let soonest = hurry.borrow_and_update().map_or(due, |by| by.min(due));
            if now < soonest {
                // Cancel-safe: both arms only wait, and a change that was not noticed stays one.
                tokio::select! {
                    () = tokio::time::sleep(soonest.since(now).min(NAP)) => {}
                    Ok(()) = hurry.changed() => {}
                }
                unconfirmed = unconfirmed && !self.is_confirmed(collector).await;
                continue;
            }
            match self.renew(collector).await {
                Ok(()) => {
                    if told.take().is_some() {
                        tracing::info!("renewal works again");
                    }
                    self.0.hurry.send_replace(None);
                    (due, failures) = (self.renewal_due(), 0);
                    unconfirmed = !self.is_confirmed(collector).await;
                }
                Err(error) => {
                    let permanent = error.is_permanent();
                    let text = error.to_string();
                    if told.as_ref() != Some(&text) {
                        let not_after = self.certificate_not_after();
                        tracing::warn!(error = &error as &dyn std::error::Error, permanent, %not_after, "renewal failed");
                        told = Some(text);
                    }
                    tokio::time::sleep(pause(failures, permanent, fastrand::f64())).await;
                    failures = failures.saturating_add(1);
                }
            }
        }
    }

    /// Confirms the current certificate; `false` when that is worth another try.
    async fn is_confirmed(&self, collector: &str) -> bool {
        match self.confirm(collector).await {
            Ok(()) => true,
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "certificate not confirmed");
                error.is_permanent()
            }
        }
    }

    fn renewal_due(&self) -> Timestamp {
        let current = self.0.current.load();
        renewal_due(current.not_before, current.not_after, fastrand::f64())
    }
}

/// Between 40 % and 60 % of the certificate's life, so that agents that enrolled together do not renew together.
fn renewal_due(not_before: Timestamp, not_after: Timestamp, random: f64) -> Timestamp {
    not_before.plus(not_after.since(not_before).mul_f64(0.4 + 0.2 * random))
}

/// Full jitter, applied after the cap.
fn pause(failures: u32, permanent: bool, random: f64) -> Duration {
    if permanent {
        return PERMANENT_PAUSE.mul_f64(0.8 + 0.4 * random);
    }
    FIRST_PAUSE.saturating_mul(1 << failures.min(10)).min(LONGEST_PAUSE).mul_f64(random)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renewal_is_due_at_half_of_the_life_give_or_take_a_tenth() {
        let (start, end) = (Timestamp::from_secs(1_000), Timestamp::from_secs(2_000));
        assert_eq!(renewal_due(start, end, 0.0), Timestamp::from_secs(1_400));
        assert_eq!(renewal_due(start, end, 0.5), Timestamp::from_secs(1_500));
        assert_eq!(renewal_due(start, end, 1.0), Timestamp::from_secs(1_600));
    }

    #[test]
    fn pauses_grow_up_to_two_minutes_and_spread_from_zero() {
        assert_eq!(pause(0, false, 1.0), Duration::from_secs(1));
        assert_eq!(pause(3, false, 1.0), Duration::from_secs(8));
        assert_eq!(pause(u32::MAX, false, 1.0), Duration::from_secs(120));
        assert_eq!(pause(u32::MAX, false, 0.0), Duration::ZERO);
        assert!(pause(0, true, 0.0) >= Duration::from_secs(480));
    }
}
