#include "query/group_filter.h"

#include <algorithm>

namespace cairn::query {

GroupFilter::GroupFilter(const View& view, std::span<const Expr> conjuncts)
    : view_(view),
      conjuncts_(conjuncts),
      verdicts_(view.state->group_count() + size_t{1},
                conjuncts.empty() && view.only.empty() ? Verdict::Yes : Verdict::Unknown) {
  // What is held back, deleted or discarded is shown by no issue.
  verdicts_[0] = Verdict::No;
}

GroupFilter::Verdict GroupFilter::ask(GroupId issue) {
  constexpr uint32_t kIssuesPerStep = 64;
  if (++asked_ % kIssuesPerStep == 0) go_on(view_.meter);
  if (stopped(view_.meter)) return Verdict::No;
  const auto& only = view_.only;
  if (!only.empty()) {
    const ProjectId project = view_.state->group(issue).project;
    if (std::find(only.begin(), only.end(), project) == only.end()) return Verdict::No;
  }
  const bool passes = std::all_of(conjuncts_.begin(), conjuncts_.end(), [&](const Expr& expr) {
    return matches_group(expr, view_.forest(), issue);
  });
  return passes ? Verdict::Yes : Verdict::No;
}

const std::vector<bool>& GroupFilter::fingerprints() {
  if (!fingerprints_) {
    fingerprints_.emplace(view_.root_of_fingerprint.size(), false);
    for (uint32_t id = 1; id < fingerprints_->size(); ++id) {
      if (passes(FingerprintId{id})) (*fingerprints_)[id] = true;
    }
  }
  return *fingerprints_;
}

uint64_t GroupFilter::asked() const { return asked_; }

uint64_t GroupFilter::passed() const {
  return conjuncts_.empty()
             ? 0
             : static_cast<uint64_t>(std::count(verdicts_.begin(), verdicts_.end(), Verdict::Yes));
}

}  // namespace cairn::query
