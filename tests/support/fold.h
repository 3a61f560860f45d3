// Short ways to say what happened, for tests of the fold.
#pragma once

#include <catch2/catch.hpp>
#include <cstring>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "model/command.h"
#include "model/record.h"
#include "model/state.h"

namespace cairn::testing {

inline constexpr ProjectId kShop{5};
inline constexpr ProjectId kApi{7};

inline TimeUs at_second(int64_t seconds) { return TimeUs{seconds * kMicrosPerSecond}; }

inline Uuid uuid_of(uint64_t n) {
  Uuid id;
  std::memcpy(id.bytes.data(), &n, sizeof n);
  id.bytes[15] = 1;  // so that none is all zero
  return id;
}

inline model::Occurrence occurrence(ProjectId project, std::vector<std::string> fingerprint,
                                    int64_t second, uint64_t id) {
  model::Occurrence out;
  out.id = uuid_of(id);
  out.project = project;
  out.fingerprint = std::move(fingerprint);
  out.title = "Error in " + out.fingerprint.front();
  out.culprit = "shop.checkout";
  out.level_text = "error";
  out.type = 1;
  out.detection_time = static_cast<double>(second);
  return out;
}

// A state and the LSN of its last record.
struct Fold {
  model::State state;
  uint64_t lsn = 0;
  uint64_t next_id = 1;

  Result<model::Applied> try_apply(model::RecordBody body, int64_t second = 0) {
    model::Record record;
    record.time = at_second(second);
    record.body = std::move(body);
    Result<model::Applied> result = state.apply(record, Lsn{lsn + 1});
    if (result.ok()) lsn += 1;
    return result;
  }

  model::Applied apply(model::RecordBody body, int64_t second = 0) {
    Result<model::Applied> result = try_apply(std::move(body), second);
    if (!result.ok()) FAIL("record " << lsn + 1 << ": " << result.error().message);
    return std::move(result).value();
  }

  // One occurrence; the record's time is the occurrence's.
  model::Applied see(ProjectId project, std::vector<std::string> fingerprint, int64_t second) {
    return apply(occurrence(project, std::move(fingerprint), second, next_id++), second);
  }

  void merge(ProjectId project, uint32_t primary, std::vector<uint32_t> children) {
    apply(model::Merged{project, primary, std::move(children)});
  }
  void unmerge(ProjectId project, uint32_t primary, std::vector<uint32_t> children) {
    apply(model::Unmerged{project, primary, std::move(children)});
  }

  const model::Group& group(ProjectId project, uint32_t number) const {
    const model::Group* found = state.find_group(project, number);
    REQUIRE(found != nullptr);
    return *found;
  }
  GroupId id(ProjectId project, uint32_t number) const { return group(project, number).id; }

  // What decide() makes of a wish, applied. False: nothing to do.
  template <class Wish>
  bool carry_out(const Wish& wish, int64_t second = 0) {
    Result<std::optional<model::RecordBody>> fact = model::decide(state, wish);
    if (!fact.ok()) FAIL(fact.error().message);
    if (!fact.value()) return false;
    apply(**fact, second);
    return true;
  }
};

// A fold over `count` groups of one project, with fingerprints "f1", "f2", ...
inline Fold fold_with_groups(ProjectId project, uint32_t count) {
  Fold fold;
  for (uint32_t n = 1; n <= count; ++n) fold.see(project, {"f" + std::to_string(n)}, 100 + n);
  return fold;
}

}  // namespace cairn::testing
