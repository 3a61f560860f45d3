// Everything one answer sees, frozen at one LSN: groups, dictionary and parts of the index.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "model/forest.h"
#include "model/state.h"
#include "storage/dictionary.h"
#include "storage/part.h"

namespace cairn::query {

// Borrows all it points to; they must outlive it and not change meanwhile.
struct View {
  Lsn lsn{};
  const model::State* state = nullptr;
  const storage::Dictionary* dictionary = nullptr;
  const storage::ReadTxn* txn = nullptr;  // nullptr: dictionary is all in memory
  std::span<const storage::Part* const> parts;
  std::span<const GroupId> root_of_fingerprint;  // State::roots_by_fingerprint(), or the overlay's
  const model::Overlay* overlay = nullptr;       // an experiment's; nullptr: the base

  model::Forest forest() const { return {*state, overlay}; }
  // "" = the base.
  std::string_view experiment() const {
    return overlay == nullptr ? std::string_view() : std::string_view(overlay->name());
  }
};

}  // namespace cairn::query
