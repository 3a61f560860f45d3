#include "model/state_diff.h"

#include <algorithm>
#include <map>

#include "support/fold.h"
#include "support/random_facts.h"

using namespace cairn;
using namespace cairn::model;
using namespace cairn::testing;

namespace {

// What a person sees of a group, in words.
std::map<std::string, std::string> seen(const State& state, GroupId id) {
  const Group& group = state.group(id);
  std::map<std::string, std::string> out;
  out["view"] = group.parent == GroupId{} ? "" : state.short_id(state.root_of(id));
  const ShownStatus shown = state.shown_status(id);
  out["status"] = std::to_string(raw(shown.status)) + "/" + std::to_string(raw(shown.substatus));
  out["assignee"] = std::string(group.assignee);
  out["priority"] = std::to_string(group.priority);
  out["title"] = std::string(group.title);
  out["count"] = std::to_string(state.totals(id).times_seen);
  return out;
}

std::vector<std::string> expected(const State& before, const State& after, GroupId id) {
  const auto now = seen(after, id);
  if (raw(id) > before.group_count()) {
    if (now.at("count") == "0") return {};
    return {now.at("view").empty() ? "new" : "merged"};
  }
  const auto then = seen(before, id);
  std::vector<std::string> out;
  const bool was_visible = then.at("view").empty();
  const bool visible = now.at("view").empty();
  if (was_visible != visible) {
    out.emplace_back(visible ? "unmerged" : "merged");
  } else if (then.at("view") != now.at("view")) {
    out.emplace_back("moved");
  }
  for (const char* field : {"status", "assignee", "priority", "title"}) {
    if (then.at(field) != now.at(field)) out.emplace_back(field);
  }
  if (was_visible && visible && then.at("count") != now.at("count")) {
    out.emplace_back(now.at("count") == "0" ? "gone" : "count");
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

TEST_CASE("the difference of two moments is what differs group by group") {
  std::map<std::string, size_t> found;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    RandomFacts dice(seed);
    Fold before;
    Fold after;
    for (int n = 0; n < 160; ++n) {
      std::optional<RecordBody> body;
      const State& state = after.state;
      const uint64_t special = dice.below(12);
      if (state.group_count() < 3 || dice.one_in(2)) {
        body = dice.next_occurrence(1000 + n);
      } else if (special == 0) {
        const Group& child = state.group(state.root_of(dice.group(state)));
        body = ViewMade{
            child.project, state.project(child.project)->last_number + 1, "view", {child.number}};
      } else if (dice.one_in(2)) {
        body = dice.workflow(state);
      } else {
        const Group& view = state.group(dice.group(state));
        if (!view.children.empty()) {
          body = Unmerged{view.project, view.number, {state.group(*view.children.begin()).number}};
        } else if (auto merge = dice.merge(state)) {
          body = std::move(*merge);
        }
      }
      if (!body) continue;
      if (n < 80) before.apply(*body, 1000 + n);
      after.apply(*body, 1000 + n);
    }
    const StateDiff diff = model::diff(before.state, after.state);
    std::map<GroupId, std::vector<std::string>> told;
    for (const Difference& one : diff.differences) {
      told[one.group].emplace_back(diff_kind_name(one.kind));
      found[told[one.group].back()] += 1;
      CHECK(one.before != one.after);
    }
    uint64_t occurrences = 0;
    for (uint32_t n = 1; n <= after.state.group_count(); ++n) {
      INFO("group " << n);
      std::sort(told[GroupId{n}].begin(), told[GroupId{n}].end());
      CHECK(told[GroupId{n}] == expected(before.state, after.state, GroupId{n}));
      occurrences += after.state.group(GroupId{n}).times_seen;
    }
    CHECK(diff.occurrences_after == occurrences);
    CHECK(model::diff(after.state, after.state).differences.empty());
  }
  CHECK(found.size() == 10);
}

TEST_CASE("differences come by kind, those about most occurrences first") {
  Fold before = fold_with_groups(kShop, 3);
  Fold after = fold_with_groups(kShop, 3);
  for (int n = 0; n < 4; ++n) after.see(kShop, {"f2"}, 200 + n);
  after.see(kShop, {"f1"}, 300);
  after.see(kShop, {"g"}, 301);
  after.apply(StatusChanged{kShop, 3, Status::Resolved, Substatus::None});
  const StateDiff diff = model::diff(before.state, after.state);
  REQUIRE(diff.differences.size() == 4);
  CHECK(diff.differences[0].kind == DiffKind::New);
  CHECK(diff.differences[1].kind == DiffKind::Status);
  CHECK(diff.differences[1].before == "unresolved/new");
  CHECK(diff.differences[1].after == "resolved");
  CHECK(diff.differences[2].group == GroupId{2});
  CHECK(diff.differences[2].weight == 4);
  CHECK(diff.differences[2].before == "1");
  CHECK(diff.differences[2].after == "5");
  CHECK(diff.differences[3].group == GroupId{1});
  CHECK(diff.issues_before == 3);
  CHECK(diff.issues_after == 4);
}
