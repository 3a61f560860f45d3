#include "embed/core.h"

#include "base/clock.h"
#include "embed/convert.h"

namespace cairn::embed {

// --- the store ----------------------------------------------------------------------------------

std::shared_lock<std::shared_mutex> StoreCore::share() const {
  const std::lock_guard gate(gate_);
  return std::shared_lock(life_);
}

std::unique_lock<std::shared_mutex> StoreCore::take_alone() const {
  const std::lock_guard gate(gate_);
  return std::unique_lock(life_);
}

Result<engine::Store*> StoreCore::open_store() const {
  if (!store) return make_error(ErrorCode::Closed, "the store is closed");
  return store.get();
}

Result<void> StoreCore::check_may_write() const {
  const std::lock_guard lock(readers_mutex_);
  if (!readers_.contains(std::this_thread::get_id())) return {};
  return make_error(ErrorCode::Conflict,
                    "this thread holds a snapshot of the store, for whose end the write might "
                    "wait: let go of the snapshot first");
}

void StoreCore::add_reader(std::thread::id thread) const {
  const std::lock_guard lock(readers_mutex_);
  ++readers_[thread];
}

void StoreCore::remove_reader(std::thread::id thread) const {
  const std::lock_guard lock(readers_mutex_);
  const auto found = readers_.find(thread);
  if (--found->second == 0) readers_.erase(found);
}

Result<void> StoreCore::check_unused() const {
  const std::lock_guard lock(readers_mutex_);
  if (readers_.empty()) return {};
  return make_error(ErrorCode::Conflict, "snapshots of the store are still held: let go of them");
}

// --- snapshots ----------------------------------------------------------------------------------

SnapshotCore::SnapshotCore(std::shared_ptr<StoreCore> owner)
    : core(std::move(owner)), thread(std::this_thread::get_id()) {
  core->add_reader(thread);
}

SnapshotCore::~SnapshotCore() {
  snapshot.reset();
  past.reset();
  core->remove_reader(thread);
}

Result<const engine::Snapshot*> SnapshotCore::mine() const {
  if (std::this_thread::get_id() == thread) return snapshot.get();
  return make_error(ErrorCode::Conflict,
                    "a snapshot belongs to the thread that took it: take another one here");
}

namespace {

// The past is asked as of its own present: relative dates go back from there.
Result<TimeUs> present_of(const v1::Moment& moment, const engine::Snapshot& snapshot) {
  if (moment.time) return to_inner(*moment.time);
  if (!moment.lsn) return SystemClock().now();
  const engine::Removed& removed = snapshot.removed();
  if (removed.last_lsn == snapshot.lsn()) return removed.recorded_until;
  CAIRN_TRY_ASSIGN(const model::Record record, snapshot.record(snapshot.lsn()));
  return record.time;
}

Result<void> check_reached(const engine::Store& store, Lsn wanted) {
  if (raw(wanted) == 0) return {};
  CAIRN_TRY_ASSIGN(const auto present, store.snapshot());
  if (present->lsn() >= wanted) return {};
  return make_error(ErrorCode::Conflict, "the store has reached LSN " +
                                             std::to_string(raw(present->lsn())) + ", not yet " +
                                             std::to_string(raw(wanted)) + "; try again later");
}

}  // namespace

Result<std::unique_ptr<SnapshotCore>> take_snapshot(std::shared_ptr<StoreCore> core,
                                                    const v1::SnapshotOptions& options,
                                                    const std::string& cursor) {
  const v1::Moment& moment = options.as_of;
  if (moment.lsn && moment.time) {
    return make_error(ErrorCode::InvalidArgument, "as_of: give a record or a time, not both");
  }
  CAIRN_TRY_ASSIGN(const engine::Store* store, core->open_store());
  CAIRN_TRY(check_reached(*store, Lsn{options.at_least}));
  auto taken = std::make_unique<SnapshotCore>(core);
  if (moment.lsn || moment.time) {
    engine::AsOf as_of;
    if (moment.lsn) as_of.lsn = Lsn{*moment.lsn};
    if (moment.time) as_of.time = to_inner(*moment.time);
    CAIRN_TRY_ASSIGN(taken->past, store->as_of(as_of));
    store = taken->past.get();
  }
  CAIRN_TRY_ASSIGN(taken->snapshot, store->snapshot_for(cursor, options.experiment));
  CAIRN_TRY_ASSIGN(taken->now, present_of(moment, *taken->snapshot));
  return taken;
}

}  // namespace cairn::embed
