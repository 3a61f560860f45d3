// How verbs get at a store: they never open one themselves. What a person should know about an
// opened store is told on the console.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "engine/store.h"
#include "verbs/arguments.h"
#include "verbs/console.h"

namespace cairn::verbs {

// A store to write to until finish(), opened for this verb or lent to it.
class Writing {
 public:
  explicit Writing(std::unique_ptr<engine::Store> owned)
      : owned_(std::move(owned)), store_(owned_.get()) {}
  explicit Writing(engine::Store& lent) : store_(&lent) {}

  engine::Store& operator*() const { return *store_; }
  engine::Store* operator->() const { return store_; }
  // Makes the log end in order when the store was opened for this verb. Errors: Store::close().
  Result<void> finish() { return owned_ ? owned_->close() : Result<void>(); }

 private:
  std::unique_ptr<engine::Store> owned_;
  engine::Store* store_;
};

struct WritingOptions {
  bool create = false;     // make the store when there is none
  Clock* clock = nullptr;  // nullptr: the system's; borrowed until finish()
};

// `store` is the word that the verb was given for it. Thread: any, when the implementation says so.
class StoreAccess {
 public:
  virtual ~StoreAccess() = default;
  // As it is now. Errors: those of Store::open() with read_only.
  virtual Result<std::shared_ptr<const engine::Store>> open(const std::string& store) = 0;
  // As of a moment. Errors: those of Store::open_as_of().
  virtual Result<std::shared_ptr<const engine::Store>> open_as_of(
      const std::string& store, const engine::AsOf& moment, const engine::Progress& progress) = 0;
  // `report`: what opening did; left as it is when the store is open already.
  // Errors: those of Store::open(). Unsupported: a clock, as the store is open with its own.
  virtual Result<Writing> open_writing(const std::string& store, const WritingOptions& options,
                                       engine::OpenReport& report) = 0;
  // A snapshot of a store that stays open meanwhile costs its writers a copy of the state, and
  // several make them wait. For an answer that lasts as long as somebody reads it, this one is
  // asked instead of open().
  virtual Result<std::shared_ptr<const engine::Store>> open_for_long(const std::string& store) {
    return open(store);
  }
  // The log's records without the index, up to a damaged place, where the log's files are at hand.
  // Unsupported: they are not.
  virtual Result<void> read_log(
      const std::string& store, Lsn from,
      const std::function<Result<void>(Lsn, const model::Record&)>& fn) = 0;
  // Whether the store's files are at hand: verbs that work on these can run.
  virtual bool has_files() const = 0;
};

// Opens a directory for each call. Thread: any, but a directory is open once in a process.
class DirectoryAccess final : public StoreAccess {
 public:
  Result<std::shared_ptr<const engine::Store>> open(const std::string& store) override;
  Result<std::shared_ptr<const engine::Store>> open_as_of(
      const std::string& store, const engine::AsOf& moment,
      const engine::Progress& progress) override;
  Result<Writing> open_writing(const std::string& store, const WritingOptions& options,
                               engine::OpenReport& report) override;
  Result<void> read_log(const std::string& store, Lsn from,
                        const std::function<Result<void>(Lsn, const model::Record&)>& fn) override;
  bool has_files() const override { return true; }
};

// Lends one store that stays open, whatever it is called. Borrows it. Thread: any.
class LentAccess final : public StoreAccess {
 public:
  explicit LentAccess(engine::Store& store) : store_(store) {}
  Result<std::shared_ptr<const engine::Store>> open(const std::string& store) override;
  Result<std::shared_ptr<const engine::Store>> open_as_of(
      const std::string& store, const engine::AsOf& moment,
      const engine::Progress& progress) override;
  Result<Writing> open_writing(const std::string& store, const WritingOptions& options,
                               engine::OpenReport& report) override;
  Result<std::shared_ptr<const engine::Store>> open_for_long(const std::string& store) override;
  Result<void> read_log(const std::string& store, Lsn from,
                        const std::function<Result<void>(Lsn, const model::Record&)>& fn) override;
  bool has_files() const override { return false; }

 private:
  engine::Store& store_;
};

struct Context;

// For who only looks at a directory.
engine::StoreOptions reading_options();

// One moment of a store to ask. The snapshot goes before the store.
struct Reading {
  std::shared_ptr<const engine::Store> store;
  std::unique_ptr<engine::Snapshot> snapshot;
  TimeUs now{};  // what relative dates are relative to
};

// `beside`: the same store where it is open already, as an index is opened once in a process; only
// a moment of the past can be asked beside it. Errors: as Store::open and open_as_of; Conflict when
// the store is behind moment.at_least.
Result<Reading> open_reading(Context& context, const std::string& store,
                             const MomentArguments& moment, const engine::Store* beside = nullptr);
// The same for an answer that lasts as long as somebody reads it.
Result<Reading> open_reading_for_long(Context& context, const std::string& store,
                                      const MomentArguments& moment);

// The moment of the list that a cursor belongs to; "" = as above. With `moment.as_of` the list has
// to be of no later one. Errors: those of Store::snapshot_for, too.
Result<Reading> open_reading_page(Context& context, const std::string& store,
                                  const MomentArguments& moment, const std::string& cursor);

Result<Writing> open_writing(Context& context, const std::string& store,
                             const WritingOptions& options = {});

// Progress of long work on a terminal: "replaying  ####....  40%".
engine::Progress progress_callback(ProgressLine& line, const Console& console, std::string what);

}  // namespace cairn::verbs
