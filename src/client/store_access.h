// Opening stores for verbs, with what a person should know about it told on stderr.
#pragma once

#include <memory>
#include <string>

#include "client/arguments.h"
#include "client/console.h"
#include "engine/store.h"

namespace cairn::client {

// One moment of a store to ask. The snapshot goes before the store.
struct Reading {
  std::unique_ptr<engine::Store> store;
  std::unique_ptr<engine::Snapshot> snapshot;
  TimeUs now{};  // what relative dates are relative to
};

// `beside`: the same store where it is open already, as an index is opened once in a process; only
// a moment of the past can be asked beside it. Errors: as Store::open and open_as_of; Conflict when
// the store is behind moment.at_least.
Result<Reading> open_reading(const std::string& directory, const MomentArguments& moment,
                             const Console& console, const engine::Store* beside = nullptr);

// The moment of the list that a cursor belongs to; "" = as above. With `moment.as_of` the list has
// to be of no later one. Errors: those of Store::snapshot_for, too.
Result<Reading> open_reading_page(const std::string& directory, const MomentArguments& moment,
                                  const std::string& cursor, const Console& console);

Result<std::unique_ptr<engine::Store>> open_writing(const std::string& directory, bool create,
                                                    const Console& console);
Result<std::unique_ptr<engine::Store>> open_writing(const std::string& directory,
                                                    const engine::StoreOptions& options,
                                                    const Console& console);

// Progress of long work on a terminal: "replaying  ####....  40%".
engine::Progress progress_callback(ProgressLine& line, const Console& console, std::string what);

}  // namespace cairn::client
