#include "query/plan.h"

#include <algorithm>

#include "base/assert.h"
#include "query/group_filter.h"
#include "storage/segment.h"

namespace cairn::query {
namespace {

using Kind = PlanNode::Kind;

PlanNode node_of(Kind kind) {
  PlanNode node;
  node.kind = kind;
  return node;
}

PlanNode negated(PlanNode child) {
  if (child.kind == Kind::All) return node_of(Kind::None);
  if (child.kind == Kind::None) return node_of(Kind::All);
  if (child.kind == Kind::Not) {
    PlanNode inner = std::move(child.children.front());
    return inner;
  }
  PlanNode node = node_of(Kind::Not);
  node.children.push_back(std::move(child));
  return node;
}

// `neutral` children say nothing, an `absorbing` one decides; nested nodes of one kind are one.
PlanNode combined(Kind kind, std::vector<PlanNode> children) {
  const Kind neutral = kind == Kind::And ? Kind::All : Kind::None;
  const Kind absorbing = kind == Kind::And ? Kind::None : Kind::All;
  PlanNode node = node_of(kind);
  for (PlanNode& child : children) {
    if (child.kind == absorbing) return node_of(absorbing);
    if (child.kind == neutral) continue;
    if (child.kind == kind) {
      for (PlanNode& inner : child.children) node.children.push_back(std::move(inner));
    } else {
      node.children.push_back(std::move(child));
    }
  }
  if (node.children.empty()) return node_of(neutral);
  if (node.children.size() > 1) return node;
  PlanNode only = std::move(node.children.front());
  return only;
}

// The ids a conjunct names, if it is a test of the field; ascending.
template <class Id>
std::optional<std::vector<Id>> named_by(const Expr& conjunct, GroupField field) {
  const auto* test = std::get_if<GroupTest>(&conjunct.test);
  if (test == nullptr || test->field != field) return std::nullopt;
  std::vector<Id> ids;
  for (const uint64_t number : test->numbers) {
    ids.push_back(static_cast<Id>(number));
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

class Planner {
 public:
  explicit Planner(const View& view) : view_(view), held_(view.meter) {}

  Result<Plan> plan(Expr filter) {
    std::vector<Expr> conjuncts;
    flatten(std::move(filter), conjuncts);
    Plan plan;
    plan.only_projects = view_.only.empty();
    std::vector<PlanNode> events;
    for (Expr& conjunct : conjuncts) {
      if (is_group_only(conjunct)) {
        take_names(conjunct, plan);
        plan.group_filter.push_back(std::move(conjunct));
        continue;
      }
      const auto* time = std::get_if<TimeTest>(&conjunct.test);
      if (time != nullptr) {
        plan.time = intersect(plan.time, time->range);
        continue;
      }
      CAIRN_TRY_ASSIGN(PlanNode node, resolve(conjunct));
      events.push_back(std::move(node));
    }
    plan.events = combined(Kind::And, std::move(events));
    plan.node_count = share_nodes(plan.events);
    CAIRN_TRY(check(view_.meter));
    plan.unseen_tags = std::move(unseen_tags_);
    plan.held = std::move(held_);
    return plan;
  }

 private:
  static void flatten(Expr expr, std::vector<Expr>& out) {
    if (expr.kind == Expr::Kind::True) return;
    if (expr.kind != Expr::Kind::And) {
      out.push_back(std::move(expr));
      return;
    }
    for (Expr& child : expr.children) flatten(std::move(child), out);
  }

  // Of several conjuncts that name issues the last is as good as any: all have to hold.
  void take_names(const Expr& conjunct, Plan& plan) const {
    if (auto projects = named_by<ProjectId>(conjunct, GroupField::Project)) {
      plan.projects = std::move(projects);
      return;
    }
    plan.only_projects = false;
    auto issues = named_by<GroupId>(conjunct, GroupField::Issue);
    if (!issues) return;
    std::erase_if(*issues, [&](GroupId id) {
      return raw(id) == 0 || raw(id) > view_.state->group_count() ||
             view_.forest().issue_of(id) != id;
    });
    plan.issues = std::move(issues);
  }

  Result<PlanNode> resolve(const Expr& expr) {
    if (expr.kind == Expr::Kind::True) return node_of(Kind::All);
    if (is_group_only(expr)) return resolve_group(expr);
    if (expr.kind == Expr::Kind::Test) return resolve_test(expr);
    if (expr.kind == Expr::Kind::Not) {
      CAIRN_TRY_ASSIGN(PlanNode child, resolve(expr.children.front()));
      return negated(std::move(child));
    }
    // What asks for nothing but the issue is asked of each issue together.
    std::vector<PlanNode> children;
    Expr of_issue;
    of_issue.kind = expr.kind;
    for (const Expr& child : expr.children) {
      if (is_group_only(child) && child.kind != Expr::Kind::True) {
        of_issue.children.push_back(child);
        continue;
      }
      CAIRN_TRY_ASSIGN(PlanNode node, resolve(child));
      children.push_back(std::move(node));
    }
    if (!of_issue.children.empty()) {
      if (of_issue.children.size() == 1) of_issue.at = of_issue.children.front().at;
      CAIRN_TRY_ASSIGN(PlanNode node, resolve_group(of_issue));
      children.push_back(std::move(node));
    }
    return combined(expr.kind == Expr::Kind::And ? Kind::And : Kind::Or, std::move(children));
  }

  Result<PlanNode> resolve_group(const Expr& expr) {
    CAIRN_TRY(take_scan(expr.at));
    PlanNode node = node_of(Kind::Fingerprints);
    node.at = expr.at;
    node.wanted = GroupFilter(view_, {&expr, 1}).fingerprints();
    uint64_t all = 0;
    uint64_t wanted = 0;
    for (uint32_t id = 1; id < node.wanted.size(); ++id) {
      const uint64_t occurrences = view_.state->fingerprint(FingerprintId{id}).occurrences;
      all += occurrences;
      if (node.wanted[id]) wanted += occurrences;
    }
    node.share = all == 0 ? 0 : static_cast<double>(wanted) / static_cast<double>(all);
    return node;
  }

  Result<void> take_scan(Span at) {
    if (++scans_ <= kMaxScans) return {};
    return invalid_at(at, "The query has more than " + std::to_string(kMaxScans) +
                              " conditions that read every value of a field or every issue "
                              "(patterns, text, comparisons, issues within OR); write fewer, or "
                              "name the values.");
  }

  Result<PlanNode> resolve_test(const Expr& expr) {
    if (const auto* time = std::get_if<TimeTest>(&expr.test)) {
      PlanNode node = node_of(Kind::Time);
      node.range = time->range;
      node.at = expr.at;
      return node;
    }
    if (const auto* one = std::get_if<IdTest>(&expr.test)) return resolve_id(one->id, expr.at);
    const auto* event = std::get_if<EventTest>(&expr.test);
    CAIRN_ASSERT(event != nullptr);
    std::vector<PlanNode> either;
    std::vector<PlanNode> present;
    for (const EventField& field : event->fields) {
      const auto id = field_id(field);
      if (!id) {
        unseen_tags_.insert(field.tag);
        continue;
      }
      CAIRN_TRY_ASSIGN(PlanNode values, resolve_values(*event, *id, expr.at));
      values.at = expr.at;
      either.push_back(std::move(values));
      if (event->or_absent) {
        present.push_back(node_of(Kind::Present));
        present.back().field = *id;  // stands for the opposite of the term: none of its text
      }
    }
    if (event->or_absent) either.push_back(negated(combined(Kind::Or, std::move(present))));
    return combined(Kind::Or, std::move(either));
  }

  // The index keeps hashes of ids; what has an equal one is read to be sure.
  Result<PlanNode> resolve_id(const Uuid& id, Span at) {
    CAIRN_TRY(take_scan(at));
    PlanNode node = node_of(Kind::Rows);
    node.at = at;
    if (view_.ids == nullptr) return node_of(Kind::None);
    std::vector<uint64_t> hashes;
    for (const auto& [project, settings] : view_.state->projects()) {
      hashes.push_back(storage::id_hash(id, project));
    }
    const uint32_t event_hash = storage::event_hash(id);
    for (const storage::Part* part : view_.parts) {
      std::vector<storage::IdCandidate> candidates;
      part->find_ids(hashes, candidates);
      std::vector<Ordinal> ordinals = part->find_event(event_hash);
      for (const auto& [index, ordinal] : candidates) ordinals.push_back(ordinal);
      std::sort(ordinals.begin(), ordinals.end());
      ordinals.erase(std::unique(ordinals.begin(), ordinals.end()), ordinals.end());
      for (const Ordinal ordinal : ordinals) {
        CAIRN_TRY_ASSIGN(const bool same, view_.ids->has_id(part->lsn(ordinal), id));
        if (same) node.rows.push_back({part, ordinal});
      }
    }
    if (node.rows.empty()) node.kind = Kind::None;
    return node;
  }

  // nullopt: no occurrence has such a tag.
  std::optional<FieldId> field_id(const EventField& field) const {
    return field.id != FieldId{0} ? field.id : view_.dictionary->find_tag(field.tag);
  }

  Result<PlanNode> resolve_values(const EventTest& test, FieldId field, Span at) {
    PlanNode node = node_of(Kind::Values);
    node.field = field;
    std::vector<ValueId> values;
    std::vector<const TextMatch*> scanned;
    for (const TextMatch& match : test.matches) {
      if (match.is_any()) {
        node.kind = Kind::Present;
        return node;
      }
      const std::string* exact = match.exact();
      if (exact == nullptr) {
        scanned.push_back(&match);
        continue;
      }
      CAIRN_TRY_ASSIGN(auto value, view_.dictionary->find(field, *exact, view_.txn));
      if (value) values.push_back(*value);
    }
    if (!scanned.empty()) {
      const auto same = std::find_if(read_.begin(), read_.end(), [&](const Read& read) {
        return read.field == field && read.test == test;
      });
      if (same != read_.end()) return same->node;
      CAIRN_TRY(read_values(scanned, field, at, values));
    }
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
    if (values.empty()) {
      node.kind = Kind::None;
    } else {
      node.listed = std::make_shared<const std::vector<ValueId>>(std::move(values));
    }
    if (!scanned.empty()) read_.push_back({field, test, node});
    return node;
  }

  Result<void> read_values(const std::vector<const TextMatch*>& tests, FieldId field, Span at,
                           std::vector<ValueId>& found) {
    for (size_t i = 0; i < tests.size(); ++i) CAIRN_TRY(take_scan(at));
    constexpr uint32_t kFoundPerStep = 256;
    CAIRN_TRY(view_.dictionary->scan_blocks(field, view_.txn, [&](const auto& block) {
      for (const TextMatch* test : tests) {
        test->for_each_match(block, [&](ValueId id) {
          if (found.size() % kFoundPerStep == 0) {
            held_.add(kFoundPerStep * sizeof(ValueId));
            if (!go_on(view_.meter)) return false;
          }
          found.push_back(id);
          return true;
        });
        if (!go_on(view_.meter)) return false;
      }
      return true;
    }));
    return check(view_.meter);
  }

  // What was found by reading all values, for the same test again.
  struct Read {
    FieldId field{};
    EventTest test;
    PlanNode node;
  };

  const View& view_;
  std::set<std::string> unseen_tags_;
  std::vector<Read> read_;
  Holding held_;
  size_t scans_ = 0;
};

}  // namespace

std::vector<std::string> warn_of_unseen(const View& view, const std::set<std::string>& tags) {
  if (tags.empty()) return {};
  std::vector<std::string> seen;
  for (const FieldId tag : view.dictionary->tag_fields()) {
    seen.push_back(view.dictionary->field_name(tag));
  }
  std::vector<std::string_view> known(seen.begin(), seen.end());
  for (const FieldName& name : field_names()) known.push_back(name.name);
  std::vector<std::string> sentences;
  for (const std::string& tag : tags) {
    sentences.push_back("No occurrence has a tag \"" + tag + "\"" + suggestion(tag, known));
  }
  return sentences;
}

Result<Plan> make_plan(const View& view, Expr filter) {
  return Planner(view).plan(std::move(filter));
}

}  // namespace cairn::query
