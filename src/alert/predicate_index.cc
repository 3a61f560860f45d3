#include "alert/predicate_index.h"

#include <algorithm>

#include "alert/canonical.h"
#include "base/assert.h"
#include "model/field.h"

namespace cairn::alert {
namespace {

using query::EventField;
using query::Expr;

constexpr unsigned kKindShift = 30;
constexpr uint32_t kPayload = (1u << kKindShift) - 1;

uint64_t mix(uint64_t x) {
  x ^= x >> 32;
  x *= 0xD6E8'FEB8'6659'FD93u;
  x ^= x >> 32;
  return x;
}

// Builtin fields are small numbers, tags never.
constexpr uint64_t kTagBit = uint64_t{1} << 63;
uint64_t field_key(FieldId id, std::string_view tag) {
  return id != FieldId{0} ? raw(id) : hash64(tag) | kTagBit;
}
// Two terms with one key only make somebody be asked in vain.
uint64_t term_key(uint64_t field, std::string_view value) {
  return mix(hash64(value) + field * 0x9E37'79B9'7F4A'7C15u);
}
uint64_t in_project(uint64_t key, ProjectId project) {
  return mix(key ^ (raw(project) + 1) * 0xC2B2'AE3D'27D4'EB4Fu);
}
uint64_t project_key(ProjectId project) { return in_project(0x70726F6A656374u, project); }

}  // namespace

double usual_frequency(const EventField& field, std::string_view) {
  namespace f = model::field;
  if (field.id == FieldId{0}) return 0.05;
  if (field.id == f::kLevel || field.id == f::kPlatform || field.id == f::kType) return 0.5;
  if (field.id == f::kEnvironment || field.id == f::kErrorHandled ||
      field.id == f::kErrorUnhandled || field.id == f::kErrorMainThread) {
    return 0.4;
  }
  if (field.id == f::kRelease || field.id == f::kSdkName || field.id == f::kHttpMethod) return 0.1;
  if (field.id == f::kUser || field.id == f::kTrace || field.id == f::kUserEmail ||
      field.id == f::kFingerprint) {
    return 0.0001;
  }
  return 0.01;
}

// Any occurrence that matches has one of these terms.
struct PredicateIndex::Cover {
  struct Term {
    uint64_t field;
    uint64_t key;
  };
  std::vector<Term> terms;
  double frequency = 0;
};

// nullopt: nothing is needed, or too many terms would do. A cover without terms: nothing matches.
std::optional<PredicateIndex::Cover> PredicateIndex::cover(const Expr& expr, bool negated,
                                                           const Frequency& frequency) {
  Cover found;
  if (expr.kind == Expr::Kind::Not) return cover(expr.children.front(), !negated, frequency);
  if (expr.kind == Expr::Kind::True) return negated ? std::optional(found) : std::nullopt;
  if (expr.kind == Expr::Kind::Test) {
    const auto* test = std::get_if<query::EventTest>(&expr.test);
    if (test == nullptr || negated || test->or_absent) return std::nullopt;
    if (test->fields.size() * test->matches.size() > kMaxTermsOfFilter) return std::nullopt;
    for (const query::TextMatch& match : test->matches) {
      const std::string* const value = match.exact();
      if (value == nullptr) return std::nullopt;
      for (const EventField& field : test->fields) {
        const uint64_t of = field_key(field.id, field.tag);
        found.terms.push_back({of, term_key(of, *value)});
        found.frequency += frequency(field, *value);
      }
    }
    return found;
  }
  if ((expr.kind == Expr::Kind::And) != negated) {  // the best of one of them is enough
    std::optional<Cover> best;
    for (const Expr& child : expr.children) {
      auto one = cover(child, negated, frequency);
      if (one && (!best || one->frequency < best->frequency)) best = std::move(one);
    }
    return best;
  }
  for (const Expr& child : expr.children) {  // each of them needs its own
    const auto one = cover(child, negated, frequency);
    if (!one || found.terms.size() + one->terms.size() > kMaxTermsOfFilter) return std::nullopt;
    found.terms.insert(found.terms.end(), one->terms.begin(), one->terms.end());
    found.frequency += one->frequency;
  }
  return found;
}

void PredicateIndex::choose_keys(Rest& rest, const Expr& filter,
                                 std::span<const ProjectId> projects, const Frequency& frequency) {
  const auto best = cover(filter, false, frequency);
  if (best) {
    rest.in_projects = !projects.empty() && projects.size() <= kMaxIndexedProjects;
    for (const Cover::Term& term : best->terms) {
      rest.named.push_back(term.field);
      if (!rest.in_projects) rest.keys.push_back(term.key);
      for (size_t i = 0; rest.in_projects && i < projects.size(); ++i) {
        rest.keys.push_back(in_project(term.key, projects[i]));
      }
    }
  } else {
    rest.in_projects = !projects.empty();
    rest.scanned = projects.empty();
    for (const ProjectId project : projects) rest.keys.push_back(project_key(project));
  }
  for (std::vector<uint64_t>* list : {&rest.keys, &rest.named}) {
    std::sort(list->begin(), list->end());
    list->erase(std::unique(list->begin(), list->end()), list->end());
    list->shrink_to_fit();
  }
}

void PredicateIndex::add(FilterId id, const Expr& filter, std::span<const ProjectId> projects,
                         const Frequency& frequency) {
  if (raw(id) >= entries_.size()) {
    entries_.resize(raw(id) + 1);
    while (raw(id) >= rests_.size()) rests_.push_back({});
  }
  Entry& entry = entries_[raw(id)];
  Rest& rest = rests_[raw(id)];
  CAIRN_ASSERT(!rest.used);
  rest.used = true;
  entry.projects = static_cast<uint32_t>(projects.size());
  if (!projects.empty()) entry.project = projects.front();
  if (projects.size() > 1) rest.projects.assign(projects.begin(), projects.end());
  std::vector<uint32_t> words;
  if (filter.kind != Expr::Kind::True) compile(filter, words);
  entry.words = static_cast<uint32_t>(words.size());
  if (words.size() > Entry::kFewWords) {
    rest.words = std::move(words);
    rest.words.shrink_to_fit();
  } else {
    std::copy(words.begin(), words.end(), entry.few_words.begin());
  }
  choose_keys(rest, filter, projects, frequency);
  link(id, rest);
  ++figures_.filters;
}

void PredicateIndex::remove(FilterId id) {
  CAIRN_ASSERT(raw(id) < rests_.size() && rests_[raw(id)].used);
  unlink(id, rests_[raw(id)]);
  for (const uint32_t word : words_of(id)) {
    if (static_cast<Word>(word >> kKindShift) == Word::Test) release(word & kPayload);
  }
  entries_[raw(id)] = Entry{};
  rests_[raw(id)] = Rest{};
  --figures_.filters;
  constexpr size_t kFewLists = 1024;
  if (dead_lists_ > kFewLists && 2 * dead_lists_ > lists_.size()) rebuild_keys();
}

void PredicateIndex::link(FilterId id, const Rest& rest) {
  for (const uint64_t key : rest.keys) {
    const uint32_t fresh = static_cast<uint32_t>(lists_.size());
    const uint32_t slot = slots_.find_or_add(key, fresh);
    if (slot == fresh) {
      lists_.emplace_back();
    } else if (lists_[slot].empty()) {
      --dead_lists_;
    }
    lists_[slot].push_back(id);
  }
  for (const uint64_t field : rest.named) name(field, 1);
  if (!rest.named.empty()) ++(rest.in_projects ? with_project_ : of_all_);
  if (!rest.scanned) return;
  scanned_.push_back(id);
  ++figures_.scanned;
}

void PredicateIndex::unlink(FilterId id, const Rest& rest) {
  for (const uint64_t key : rest.keys) {
    IdList<FilterId>& list = lists_[slots_.find(key)];
    list.erase_if([&](FilterId other) { return other == id; });
    if (list.empty()) ++dead_lists_;
  }
  for (const uint64_t field : rest.named) name(field, -1);
  if (!rest.named.empty()) --(rest.in_projects ? with_project_ : of_all_);
  if (!rest.scanned) return;
  scanned_.erase(std::find(scanned_.begin(), scanned_.end(), id));
  --figures_.scanned;
}

// Keys that find nothing any more are not taken out of the table one by one.
void PredicateIndex::rebuild_keys() {
  slots_ = {};
  lists_.clear();
  dead_lists_ = 0;
  for (size_t id = 0; id < rests_.size(); ++id) {
    for (const uint64_t key : rests_[id].keys) {
      const uint32_t fresh = static_cast<uint32_t>(lists_.size());
      const uint32_t slot = slots_.find_or_add(key, fresh);
      if (slot == fresh) lists_.emplace_back();
      lists_[slot].push_back(FilterId{static_cast<uint32_t>(id)});
    }
  }
}

void PredicateIndex::name(uint64_t field, int by) {
  const auto change = static_cast<uint32_t>(by);
  if (field < named_builtins_.size()) {
    named_builtins_[field] += change;
    return;
  }
  const auto at = named_tags_.try_emplace(field, 0).first;
  at->second += change;
  if (at->second == 0) named_tags_.erase(at);
}

bool PredicateIndex::is_named(uint64_t field) const {
  if (field < named_builtins_.size()) return named_builtins_[field] > 0;
  return named_tags_.contains(field);
}

void PredicateIndex::compile(const Expr& expr, std::vector<uint32_t>& words) {
  const auto word = [](Word kind, size_t payload) {
    CAIRN_ASSERT(payload <= kPayload);
    return static_cast<uint32_t>(kind) << kKindShift | static_cast<uint32_t>(payload);
  };
  const size_t at = words.size();
  if (expr.kind == Expr::Kind::Test) {
    words.push_back(word(Word::Test, condition_of(expr)));
    return;
  }
  words.push_back(0);
  for (const Expr& child : expr.children) compile(child, words);
  const Word kind = expr.kind == Expr::Kind::Not  ? Word::Not
                    : expr.kind == Expr::Kind::Or ? Word::Or
                                                  : Word::And;  // also True: of nothing
  words[at] = word(kind, words.size() - at - 1);
}

// Bound alike is the same condition now; who binds again adds again.
uint32_t PredicateIndex::condition_of(const Expr& test) {
  const Hash128 identity = hash128(canonical(query::Query{}, test));
  const auto [known, fresh] = known_conditions_.try_emplace(identity, 0);
  if (fresh) {
    if (free_conditions_.empty()) {
      free_conditions_.push_back(static_cast<uint32_t>(conditions_.size()));
      conditions_.push_back({});
      answers_.push_back(0);
    }
    known->second = free_conditions_.back();
    free_conditions_.pop_back();
    conditions_[known->second] = Condition{test, identity, 0};
    answers_[known->second] = 0;
    ++figures_.conditions;
  }
  ++conditions_[known->second].uses;
  return known->second;
}

void PredicateIndex::release(uint32_t at) {
  Condition& condition = conditions_[at];
  if (--condition.uses > 0) return;
  known_conditions_.erase(condition.identity);
  condition = Condition{};
  free_conditions_.push_back(at);
  --figures_.conditions;
}

void PredicateIndex::gather(const query::Subject& subject) {
  candidates_.clear();
  const ProjectId project = subject.occurrence.project;
  for (const FilterId id : scanned_) meet(id);
  meet_all_of(project_key(project));
  if (with_project_ + of_all_ == 0) return;
  for (const model::Term& term : subject.terms) {
    const uint64_t field = field_key(term.id, term.tag);
    if (!is_named(field)) continue;
    const uint64_t key = term_key(field, term.value);
    if (of_all_ > 0) meet_all_of(key);
    if (with_project_ > 0) meet_all_of(in_project(key, project));
  }
}

void PredicateIndex::meet_all_of(uint64_t key) {
  const uint32_t slot = slots_.find(key);
  if (slot == SlotMap<uint64_t>::kNone) return;
  const IdList<FilterId>& list = lists_[slot];
  for (const FilterId id : list) __builtin_prefetch(&entries_[raw(id)], 1);
  for (const FilterId id : list) meet(id);
}

void PredicateIndex::meet(FilterId id) {
  Entry& entry = entries_[raw(id)];
  if (entry.met == now_) return;
  entry.met = now_;
  candidates_.push_back(id);
}

std::span<const uint32_t> PredicateIndex::words_of(FilterId id) const {
  const Entry& entry = entries_[raw(id)];
  if (entry.words > Entry::kFewWords) return rests_[raw(id)].words;
  return std::span(entry.few_words).first(entry.words);
}

bool PredicateIndex::matches(FilterId id, const query::Subject& subject) {
  const Entry& entry = entries_[raw(id)];
  const ProjectId project = subject.occurrence.project;
  if (entry.projects == 1 && entry.project != project) return false;
  if (entry.projects > 1) {
    const auto& projects = rests_[raw(id)].projects;
    if (!std::binary_search(projects.begin(), projects.end(), project)) return false;
  }
  size_t at = 0;
  return entry.words == 0 || holds(words_of(id), at, subject);
}

// Leaves `at` behind the node.
bool PredicateIndex::holds(std::span<const uint32_t> words, size_t& at,
                           const query::Subject& subject) {
  const Word kind = static_cast<Word>(words[at] >> kKindShift);
  const uint32_t payload = words[at] & kPayload;
  ++at;
  if (kind == Word::Test) return ask(payload, subject);
  if (kind == Word::Not) return !holds(words, at, subject);
  const size_t end = at + payload;
  const bool ends_it = kind == Word::Or;
  while (at < end) {
    if (holds(words, at, subject) != ends_it) continue;
    at = end;
    return ends_it;
  }
  return !ends_it;
}

bool PredicateIndex::ask(uint32_t at, const query::Subject& subject) {
  uint64_t& answer = answers_[at];
  if (answer / 2 != now_) answer = 2 * now_ + query::matches(conditions_[at].test, subject);
  return answer % 2 == 1;
}

size_t PredicateIndex::memory_bytes() const {
  size_t bytes = sizeof(*this) + entries_.capacity() * sizeof(Entry) +
                 rests_.size() * sizeof(Rest) + slots_.memory_bytes() +
                 lists_.capacity() * sizeof(lists_[0]) + conditions_.size() * sizeof(Condition) +
                 answers_.capacity() * sizeof(uint64_t);
  for (size_t id = 0; id < rests_.size(); ++id) {
    const Rest& rest = rests_[id];
    bytes += rest.words.capacity() * sizeof(uint32_t) + rest.projects.capacity() * 8 +
             (rest.keys.capacity() + rest.named.capacity()) * 8;
  }
  for (const auto& list : lists_) bytes += list.size() > 1 ? 4 * (list.size() + 1) : 0;
  return bytes;
}

}  // namespace cairn::alert
