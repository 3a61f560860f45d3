#include "query/profile.h"

#include <algorithm>
#include <array>

#include "query/group_filter.h"

namespace cairn::query {
namespace {

std::string_view kind_name(PlanNode::Kind kind) {
  switch (kind) {
    case PlanNode::Kind::All:
      return "all";
    case PlanNode::Kind::None:
      return "none";
    case PlanNode::Kind::Values:
      return "field";
    case PlanNode::Kind::Present:
      return "present";
    case PlanNode::Kind::Rows:
      return "id";
    case PlanNode::Kind::Time:
      return "time";
    case PlanNode::Kind::Fingerprints:
      return "issues";
    case PlanNode::Kind::And:
      return "and";
    case PlanNode::Kind::Or:
      return "or";
    case PlanNode::Kind::Not:
      break;
  }
  return "not";
}

std::string cut(std::string_view source, Span at) {
  if (at.begin >= at.end || at.end > source.size()) return {};
  return std::string(source.substr(at.begin, at.end - at.begin));
}

std::string text_of(const Expr& expr, std::string_view source) {
  if (std::string text = cut(source, expr.at); !text.empty()) return text;
  if (expr.children.empty()) return "everything";
  if (expr.kind == Expr::Kind::Not) return "!" + text_of(expr.children.front(), source);
  std::string text;
  for (const Expr& child : expr.children) {
    if (!text.empty()) text += expr.kind == Expr::Kind::And ? " " : " OR ";
    text += text_of(child, source);
  }
  return "(" + text + ")";
}

class Describer {
 public:
  Describer(const View& view, std::string_view source, const Profile& profile)
      : view_(view),
        source_(source),
        profile_(profile),
        told_(profile.work_by_node.size(), false) {}

  Profile::Node describe(const PlanNode& node) {
    Profile::Node out;
    out.kind = kind_name(node.kind);
    out.text = cut(source_, node.at);
    const bool of_field =
        node.kind == PlanNode::Kind::Values || node.kind == PlanNode::Kind::Present;
    if (of_field) out.field = view_.dictionary->field_name(node.field);
    if (node.kind == PlanNode::Kind::Present && out.text.empty()) out.text = "has:" + out.field;
    if (node.kind == PlanNode::Kind::Values) out.values = node.values().size();
    const bool again = node.id < told_.size() && told_[node.id];
    if (node.id < told_.size()) {
      told_[node.id] = true;
      for (const Profile::Work& work : profile_.work_by_node[node.id]) {
        if ((work.way == Way::Again) == again) out.work.push_back(work);
      }
    }
    if (again) return out;
    for (const PlanNode& child : node.children) out.children.push_back(describe(child));
    return out;
  }

 private:
  const View& view_;
  std::string_view source_;
  const Profile& profile_;
  std::vector<bool> told_;  // by number: its work is shown where it stands first
};

}  // namespace

std::string_view way_name(Way way) {
  constexpr std::array<std::string_view, kWays> kNames = {"all",
                                                          "none",
                                                          "posting",
                                                          "union of postings",
                                                          "walk over values",
                                                          "any value",
                                                          "time search",
                                                          "fingerprint ranges",
                                                          "combined",
                                                          "column",
                                                          "again",
                                                          "skipped",
                                                          "ids"};
  return kNames[static_cast<size_t>(way)];
}

uint64_t Profile::pruned() const {
  return static_cast<uint64_t>(std::count_if(parts.begin(), parts.end(), [](const Part& part) {
    return part.outcome == Part::Outcome::PrunedByTime ||
           part.outcome == Part::Outcome::PrunedByPlan;
  }));
}

uint64_t Profile::matches() const {
  uint64_t sum = 0;
  for (const Part& part : parts) sum += part.matches;
  return sum;
}

int64_t Profile::total_us() const {
  int64_t sum = 0;
  for (const Stage& stage : stages) sum += stage.us;
  return sum;
}

void StageTimer::end() {
  if (meter_ == nullptr) return;
  auto& stages = meter_->profile()->stages;
  const int64_t us = raw(meter_->now()) - raw(begin_);
  // A stage may be left for a moment: a table looks at its window between two bindings.
  if (!stages.empty() && stages.back().name == std::string_view(stage_)) {
    stages.back().us += us;
  } else {
    stages.push_back({stage_, us});
  }
}

void tell_counting(const View& view, const char* how) {
  if (Profile* profile = profile_of(view)) profile->counting = how;
}

void note_issues(const View& view, const Plan& plan, const GroupFilter& filter) {
  Profile* const profile = plan.told ? profile_of(view) : nullptr;
  if (profile == nullptr) return;
  profile->issues.asked = filter.asked();
  profile->issues.passed = filter.passed();
}

void describe_plan(const View& view, std::string_view source, const Plan& plan, uint64_t rows) {
  Profile* const profile = profile_of(view);
  if (profile == nullptr) return;
  profile->time = plan.time;
  profile->work_by_node.resize(plan.node_count);
  profile->conditions = Describer(view, source, *profile).describe(plan.events);
  profile->issues.conditions.clear();
  for (const Expr& condition : plan.group_filter) {
    profile->issues.conditions.push_back(text_of(condition, source));
  }
  profile->issues.estimated = plan.issues ? plan.issues->size() : view.state->group_count();
  profile->rows = rows;
  profile->examined = view.meter->examined();
  profile->memory_bytes = view.meter->most_held();
}

}  // namespace cairn::query
