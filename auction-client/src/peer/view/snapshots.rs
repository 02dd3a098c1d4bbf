//! Snapshots: to start from, and to keep for others.

use std::sync::Arc;
use std::time::Duration;

use auction_proto::{AnySigned, AnyStatement};

use super::View;
use crate::audit::equivocation::Equivocation;
use crate::peer::batch_cache::Backlog;
use crate::peer::snapshot_download::Snapshot;
use crate::peer::view::events::{Action, ViewUpdate};

impl<P: Copy + Ord> View<P> {
    pub(super) fn take_snapshot(
        &mut self,
        now: Duration,
        snapshot: Snapshot,
        actions: &mut Vec<Action<P>>,
    ) {
        let statement = &snapshot.statement;
        let at = statement.feed_sequence;
        if statement.term < self.term
            || self.pinned().map(|pinned| pinned.market) != Some(statement.market)
        {
            return;
        }
        if let Some(fraud) = self.check_snapshot_equivocation(&snapshot) {
            return self.report_equivocation(fraud, actions);
        }
        self.term = statement.term;
        self.freshness.hear(now, statement.time);
        self.ahead = self.ahead.max(at);
        let snapshot = Arc::new(snapshot);
        if self.place.is_some_and(|place| at <= place) {
            // Nothing new here, but other peers can start from it.
            return self.keep_for_others(snapshot);
        }
        if at < self.floor {
            return;
        }
        self.snapshot = Some(snapshot.clone());
        self.behind_snapshot = Backlog::default();
        self.renewed = None;
        self.renew_at = None;
        self.fetching = None;
        self.place = Some(at);
        self.past.clear();
        self.unfillable = false;
        self.without.clear();
        actions.push(Action::Emit(ViewUpdate::Snapshot(snapshot)));
        self.emit_ready(actions);
        self.gap_since = None;
        self.see_gap(now);
    }

    /// Keeps a newer snapshot for later joiners, now or once the view has reached its place.
    pub(super) fn renew(&mut self, snapshot: Arc<Snapshot>, actions: &mut Vec<Action<P>>) {
        let statement = &snapshot.statement;
        if statement.term < self.term
            || self.pinned().map(|pinned| pinned.market) != Some(statement.market)
        {
            return;
        }
        if let Some(fraud) = self.check_snapshot_equivocation(&snapshot) {
            return self.report_equivocation(fraud, actions);
        }
        match self.place {
            Some(place) if statement.feed_sequence <= place => self.keep_for_others(snapshot),
            _ => self.renewed = Some(snapshot),
        }
    }

    pub(super) fn keep_for_others(&mut self, snapshot: Arc<Snapshot>) {
        let at = snapshot.statement.feed_sequence;
        let older = self.snapshot.as_ref();
        if older.is_none_or(|older| older.statement.feed_sequence < at) {
            self.behind_snapshot = self.past.behind(at);
            self.renew_at = None;
            self.snapshot = Some(snapshot);
        }
    }

    pub(super) fn check_snapshot_equivocation(
        &mut self,
        snapshot: &Snapshot,
    ) -> Option<Equivocation> {
        let signed = AnySigned::Snapshot(snapshot.signed.clone());
        let said = AnyStatement::Snapshot(snapshot.statement.clone());
        self.check_equivocation(&signed, &said)
    }
}
