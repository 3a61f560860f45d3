// What the public classes hold, and the border that nothing but values crosses. Every source of
// this layer includes it first: it says that the public headers are seen from inside.
#pragma once

// cairn::v1 stays apart from the cairn of the other layers (cairn/result.h).
#define CAIRN_IMPLEMENTATION 1

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include "base/caught.h"
#include "base/result.h"
#include "cairn/store.h"
#include "engine/store.h"

namespace cairn::embed {

// An open store, shared by its handle and its snapshots. Thread: any.
struct StoreCore {
  std::string directory;
  engine::StoreOptions options;

  // Guards `store`: shared by those who call it, alone to close it or to open it again.
  std::shared_lock<std::shared_mutex> share() const;
  std::unique_lock<std::shared_mutex> take_alone() const;
  std::unique_ptr<engine::Store> store;  // nullptr: closed

  // What a bug of ours did to memory nobody knows: nothing is asked of the store any more.
  mutable std::atomic<bool> broken = false;

  // Closed: it is. Precondition: share() or take_alone().
  Result<engine::Store*> open_store() const;
  // Conflict: this thread holds a snapshot, for whose end the write might wait.
  Result<void> check_may_write() const;
  void add_reader(std::thread::id thread) const;
  void remove_reader(std::thread::id thread) const;
  // Conflict: somebody holds a snapshot.
  Result<void> check_unused() const;

 private:
  mutable std::shared_mutex life_;
  mutable std::mutex gate_;  // held by who waits to be alone: nobody else goes in before
  mutable std::mutex readers_mutex_;
  mutable std::map<std::thread::id, size_t> readers_;  // snapshots by thread
};

// Thread: that of the snapshot.
struct SnapshotCore {
  explicit SnapshotCore(std::shared_ptr<StoreCore> owner);
  ~SnapshotCore();
  SnapshotCore(const SnapshotCore&) = delete;
  SnapshotCore& operator=(const SnapshotCore&) = delete;

  // Conflict: another thread asks.
  Result<const engine::Snapshot*> mine() const;

  const std::shared_ptr<StoreCore> core;
  const std::thread::id thread;
  std::unique_ptr<engine::Store> past;  // as of a moment: its own store
  std::unique_ptr<engine::Snapshot> snapshot;
  TimeUs now{};  // what relative dates are relative to
};

// As options ask for. Precondition: share() of the core. Errors: of v1::Store::snapshot().
Result<std::unique_ptr<SnapshotCore>> take_snapshot(std::shared_ptr<StoreCore> core,
                                                    const v1::SnapshotOptions& options,
                                                    const std::string& cursor);

// Errors: those of v1::Snapshot's.
Result<v1::IssuePage> search(const SnapshotCore& core, std::string_view query,
                             const v1::QueryOptions& options);
Result<v1::Table> aggregate(const SnapshotCore& core, std::string_view query,
                            const v1::QueryOptions& options);

v1::Error to_public(const Error& error);

template <class T>
v1::Result<T> to_public(Result<T>&& result) {
  if (!result.ok()) return to_public(result.error());
  if constexpr (std::is_void_v<T>) {
    return {};
  } else {
    return std::move(result).value();
  }
}

// Notes that the store met a bug of ours, if it did, and makes an error of the exception that is
// being handled. Precondition: within a catch block.
v1::Error caught_at_border(const StoreCore* core) noexcept;

// Runs fn, which returns a Result<T> of the inner layers, and lets nothing but a v1::Result<T> out.
template <class Fn>
auto guard(const StoreCore* core, Fn&& fn) noexcept -> decltype(to_public(fn())) {
  try {
    if (core != nullptr && core->broken) {
      return v1::Error{v1::ErrorCode::Closed, "stopped after an internal error; open it again", {}};
    }
    return to_public(fn());
  } catch (...) {
    return caught_at_border(core);
  }
}

// The same for who needs an open store: fn(engine::Store&).
template <class Fn>
auto with_store(const std::shared_ptr<StoreCore>& core, Fn&& fn) noexcept {
  using Inner = std::invoke_result_t<Fn, engine::Store&>;
  return guard(core.get(), [&]() -> Inner {
    if (!core) return make_error(ErrorCode::Closed, "the store was moved from");
    const auto shared = core->share();
    CAIRN_TRY_ASSIGN(engine::Store * store, core->open_store());
    return fn(*store);
  });
}

}  // namespace cairn::embed
