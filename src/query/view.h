// Everything one answer sees, frozen at one LSN: groups, dictionary and parts of the index.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/uuid.h"
#include "model/forest.h"
#include "model/state.h"
#include "query/meter.h"
#include "storage/dictionary.h"
#include "storage/part.h"

namespace cairn::query {

struct CursorSeal;  // cursor.h

// Confirms what the index, which keeps hashes of ids, only guesses at. Thread: that of the view.
class IdReader {
 public:
  virtual ~IdReader() = default;
  // Whether the record is an occurrence of this id, or of an event of this id. Io, Corruption.
  virtual Result<bool> has_id(Lsn lsn, const Uuid& id) const = 0;
};

// Borrows all it points to; they must outlive it and not change meanwhile.
struct View {
  Lsn lsn{};
  const model::State* state = nullptr;
  const storage::Dictionary* dictionary = nullptr;
  const storage::ReadTxn* txn = nullptr;  // nullptr: dictionary is all in memory
  std::span<const storage::Part* const> parts;
  std::span<const GroupId> root_of_fingerprint;  // State::roots_by_fingerprint(), or the overlay's
  const model::Overlay* overlay = nullptr;       // an experiment's; nullptr: the base
  std::span<const ProjectId> only = {};          // nothing of other projects is found; empty = all
  Meter* meter = nullptr;                        // watches the answer; nullptr: nobody does
  const CursorSeal* seal = nullptr;              // nullptr: no cursors are made or read
  std::string_view no_seal = {};                 // why `seal` is nullptr, if more is known of it
  const IdReader* ids = nullptr;                 // nullptr: nothing is found by id

  model::Forest forest() const { return {*state, overlay}; }
  // "" = the base.
  std::string_view experiment() const {
    return overlay == nullptr ? std::string_view() : std::string_view(overlay->name());
  }
};

// The view watched by its own meter, or by `meter`, which is borrowed.
inline View watched(const View& view, Meter& meter) {
  View out = view;
  if (out.meter == nullptr) out.meter = &meter;
  return out;
}

}  // namespace cairn::query
