// Which issues the conditions about issues leave, and so which fingerprints.
// Thread: one at a time; borrows the view and the conditions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/ids.h"
#include "query/bound.h"
#include "query/view.h"

namespace cairn::query {

class GroupFilter {
 public:
  // An issue passes when all conjuncts hold. Precondition: is_group_only() of each.
  GroupFilter(const View& view, std::span<const Expr> conjuncts);

  // Whether every occurrence passes.
  bool empty() const {
    return conjuncts_.empty() && view_.only.empty() && view_.state->all_shown();
  }
  // Each visible issue is looked at once; 0, no issue, does not pass.
  bool passes(GroupId issue) {
    Verdict& verdict = verdicts_[raw(issue)];
    if (verdict == Verdict::Unknown) verdict = ask(issue);
    return verdict == Verdict::Yes;
  }
  bool passes(FingerprintId fingerprint) {
    return passes(view_.root_of_fingerprint[raw(fingerprint)]);
  }
  // Fingerprints of all issues that pass, as Part::of_fingerprints takes them. Looks at every
  // issue, the first time.
  const std::vector<bool>& fingerprints();

  // Issues looked at until now, and how many of them passed.
  uint64_t asked() const;
  uint64_t passed() const;

 private:
  enum class Verdict : uint8_t { Unknown, No, Yes };
  Verdict ask(GroupId issue);

  const View& view_;
  std::span<const Expr> conjuncts_;
  std::vector<Verdict> verdicts_;  // by group
  std::optional<std::vector<bool>> fingerprints_;
  uint32_t asked_ = 0;
};

// Whether it is cheaper to walk all of a part than to search it for each of so many fingerprints.
inline bool are_many(const View& view, size_t fingerprints) {
  constexpr size_t kAlwaysFew = 8;
  constexpr size_t kStepsPerSearch = 64;
  return fingerprints > kAlwaysFew + view.root_of_fingerprint.size() / kStepsPerSearch;
}

}  // namespace cairn::query
