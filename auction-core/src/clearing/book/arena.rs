//! The resting orders, each in a slot of one row, found by key.

use alloc::vec::Vec;

use super::key::OrderKey;
use super::marks::Marks;
use crate::UserId;

/// No slot, no level: the end of a list.
pub(super) const NONE: u32 = u32::MAX;

/// Least number of slots by which the row grows.
const GROWTH_MIN: usize = 64;

/// A resting order, or a free slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    /// Shares not yet traded.
    pub(super) open: u64,
    /// Place in time, and below it the marks; zero: the slot is free.
    stamp: u64,
    pub(super) owner: UserId,
    /// Level of its side.
    pub(super) level: u32,
}

/// The place of an order in the queue at its price.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    /// The order behind it; of a free slot the next free one.
    pub(super) next: u32,
    /// The order before it.
    pub(super) previous: u32,
}

const _: () = assert!(size_of::<Slot>() + size_of::<Link>() == 32);

/// All slots, and the list of the free ones. A slot that was used last is used first: it is in the cache.
///
/// The links lie in a row of their own: an order that leaves writes to its neighbours', which are anywhere, and the
/// links of a hundred thousand orders fit a cache that the orders don't.
#[derive(Clone, Debug)]
pub(super) struct Arena {
    slots: Vec<Slot>,
    links: Vec<Link>,
    free: u32,
    live: u32,
    orders_max: u32,
}

impl Slot {
    pub(super) fn new(open: u64, owner: UserId, place: u64, marks: Marks) -> Self {
        Self {
            open,
            stamp: place << Marks::BITS | u64::from(marks.bits()),
            owner,
            level: NONE,
        }
    }

    #[inline]
    pub(super) fn place(&self) -> u64 {
        self.stamp >> Marks::BITS
    }

    pub(super) fn marks(&self) -> Marks {
        Marks::from_bits(self.stamp)
    }
}

impl Arena {
    pub(super) fn new(orders_max: u32) -> Self {
        Self {
            slots: Vec::new(),
            links: Vec::new(),
            free: NONE,
            live: 0,
            orders_max,
        }
    }

    pub(super) fn len(&self) -> u32 {
        self.live
    }

    pub(super) fn orders_max(&self) -> u32 {
        self.orders_max
    }

    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.live >= self.orders_max
    }

    /// Number of slots, free ones included.
    pub(super) fn slot_count(&self) -> u32 {
        self.slots.len() as u32
    }

    #[inline]
    pub(super) fn slot(&self, slot: u32) -> &Slot {
        &self.slots[slot as usize]
    }

    #[inline]
    pub(super) fn slot_mut(&mut self, slot: u32) -> &mut Slot {
        &mut self.slots[slot as usize]
    }

    #[inline]
    pub(super) fn next(&self, slot: u32) -> u32 {
        self.links[slot as usize].next
    }

    #[inline]
    pub(super) fn link(&self, slot: u32) -> Link {
        self.links[slot as usize]
    }

    #[inline]
    pub(super) fn link_mut(&mut self, slot: u32) -> &mut Link {
        &mut self.links[slot as usize]
    }

    /// The key of the order in a slot; `None`: the slot is free or was never used.
    #[inline]
    pub(super) fn key(&self, slot: u32) -> Option<OrderKey> {
        OrderKey::new(self.slots.get(slot as usize)?.place(), slot)
    }

    /// The slot of an order, or `None` when no order has the key any more.
    #[inline]
    pub(super) fn find(&self, key: OrderKey) -> Option<u32> {
        let slot = key.slot();
        let found = self.slots.get(slot as usize)?;
        (found.place() == key.place()).then_some(slot)
    }

    /// Puts an order into a free slot.
    ///
    /// # Panics
    /// When the arena is full.
    #[inline]
    pub(super) fn insert(&mut self, order: Slot) -> u32 {
        assert!(!self.is_full(), "no order rests in a full book");
        self.live += 1;
        if self.free != NONE {
            let slot = self.free;
            self.free = self.links[slot as usize].next;
            self.slots[slot as usize] = order;
            return slot;
        }
        if self.slots.len() == self.slots.capacity() {
            // By an eighth: a doubling would leave a large book half empty.
            let growth = GROWTH_MIN.max(self.slots.len() / 8);
            self.slots.reserve_exact(growth);
            self.links.reserve_exact(growth);
        }
        self.slots.push(order);
        self.links.push(Link {
            next: NONE,
            previous: NONE,
        });
        self.slots.len() as u32 - 1
    }

    /// Frees a slot.
    #[inline]
    pub(super) fn remove(&mut self, slot: u32) {
        self.slots[slot as usize].stamp = 0;
        self.links[slot as usize].next = self.free;
        self.free = slot;
        self.live -= 1;
    }
}
