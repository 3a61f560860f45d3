// share_nodes(): which conditions of a plan are the same.
#include <algorithm>
#include <unordered_map>

#include "base/hash.h"
#include "query/plan.h"

namespace cairn::query {
namespace {

using Kind = PlanNode::Kind;

bool has_same_values(const PlanNode& a, const PlanNode& b) {
  return a.listed == b.listed || (a.listed && b.listed && *a.listed == *b.listed);
}

// Children are compared by their numbers.
bool is_same(const PlanNode& a, const PlanNode& b) {
  return a.kind == b.kind && a.field == b.field && has_same_values(a, b) && a.rows == b.rows &&
         a.range == b.range && a.wanted == b.wanted &&
         std::equal(a.children.begin(), a.children.end(), b.children.begin(), b.children.end(),
                    [](const PlanNode& x, const PlanNode& y) { return x.id == y.id; });
}

uint64_t hash_of(const PlanNode& node) {
  constexpr uint64_t kFactor = 0x9E3779B97F4A7C15u;
  uint64_t hash = raw(node.kind);
  const auto mix = [&](uint64_t more) { hash = (hash ^ more) * kFactor ^ hash >> 29; };
  mix(raw(node.field));
  mix(static_cast<uint64_t>(raw(node.range.begin)));
  mix(static_cast<uint64_t>(raw(node.range.end)));
  if (node.listed) {
    for (const ValueId value : *node.listed) mix(raw(value));
  }
  for (const PlanNode::Row& row : node.rows) mix(row.ordinal);
  for (const PlanNode& child : node.children) mix(child.id);
  return hash;
}

class Sharer {
 public:
  // Gives the node the number of its equal, or a new one. What it points to stays where it is while
  // the node's own parent has not ordered its children.
  void number(PlanNode& node) {
    for (PlanNode& child : node.children) number(child);
    if (node.kind == Kind::And || node.kind == Kind::Or) drop_repeated(node);
    if (node.kind != Kind::Not && node.children.size() == 1) {
      PlanNode only = std::move(node.children.front());
      const bool first = first_[only.id] == &node.children.front();
      node = std::move(only);
      if (first) first_[node.id] = &node;
      return;
    }
    const auto [begin, end] = by_hash_.equal_range(hash_of(node));
    for (auto known = begin; known != end; ++known) {
      if (!is_same(node, *first_[known->second])) continue;
      node.id = known->second;
      ++uses_[node.id];
      for (const PlanNode& child : node.children) --uses_[child.id];  // it is asked for them once
      return;
    }
    node.id = static_cast<uint32_t>(first_.size());
    first_.push_back(&node);
    uses_.push_back(1);
    by_hash_.emplace(hash_of(node), node.id);
  }
  void mark(PlanNode& node) const {
    const bool work = node.kind != Kind::All && node.kind != Kind::None;
    node.shared = work && uses_[node.id] > 1;
    for (PlanNode& child : node.children) mark(child);
  }
  uint32_t count() const { return static_cast<uint32_t>(first_.size()); }

 private:
  // The order of children says nothing: that of their numbers makes equal nodes look equal.
  void drop_repeated(PlanNode& node) {
    std::vector<uint32_t> firsts;
    for (const PlanNode& child : node.children) {
      if (first_[child.id] == &child) firsts.push_back(child.id);
    }
    std::sort(firsts.begin(), firsts.end());
    const auto by_id = [](const PlanNode& a, const PlanNode& b) { return a.id < b.id; };
    std::stable_sort(node.children.begin(), node.children.end(), by_id);
    for (size_t i = 1; i < node.children.size(); ++i) {
      if (node.children[i].id == node.children[i - 1].id) --uses_[node.children[i].id];
    }
    const auto kept = std::unique(node.children.begin(), node.children.end(),
                                  [](const auto& a, const auto& b) { return a.id == b.id; });
    node.children.erase(kept, node.children.end());
    for (PlanNode& child : node.children) {
      if (std::binary_search(firsts.begin(), firsts.end(), child.id)) first_[child.id] = &child;
    }
  }

  std::vector<const PlanNode*> first_;  // by number: the node that got it
  std::vector<uint32_t> uses_;          // by number
  std::unordered_multimap<uint64_t, uint32_t> by_hash_;
};

}  // namespace

uint32_t share_nodes(PlanNode& root) {
  Sharer sharer;
  sharer.number(root);
  sharer.mark(root);
  return sharer.count();
}

}  // namespace cairn::query
