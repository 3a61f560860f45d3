#include "alert/canonical.h"

#include <fmt/format.h>

#include <map>
#include <set>
#include <utility>

#include "alert/window.h"
#include "base/assert.h"

namespace cairn::alert {
namespace {

using query::Expr;
using query::GroupField;

// A filter without AND in AND and OR in OR, with negations at its atoms.
struct Form {
  enum class Kind : uint8_t { All, None, Atom, And, Or };
  Kind kind = Kind::All;
  std::set<std::string> parts;  // Atom: one

  static Form atom(std::string text) { return {Kind::Atom, {std::move(text)}}; }
};

std::string sized(std::string_view bytes) { return fmt::format("{}:{}", bytes.size(), bytes); }

std::string text_of(const Form& form) {
  if (form.kind == Form::Kind::Atom) return *form.parts.begin();
  std::string text = form.kind == Form::Kind::All    ? "*"
                     : form.kind == Form::Kind::None ? "-"
                     : form.kind == Form::Kind::And  ? "&"
                                                     : "|";
  for (const std::string& part : form.parts) text += sized(part);
  return text;
}

// An atom and its negation together: everything in an OR, nothing in an AND.
bool contradicts(const std::set<std::string>& parts) {
  for (const std::string& part : parts) {
    if (part.starts_with('!') && parts.contains(part.substr(1))) return true;
  }
  return false;
}

Form join(Form::Kind kind, std::vector<Form> children) {
  const Form::Kind neutral = kind == Form::Kind::And ? Form::Kind::All : Form::Kind::None;
  const Form::Kind absorbing = kind == Form::Kind::And ? Form::Kind::None : Form::Kind::All;
  Form joined{kind, {}};
  Form last{neutral, {}};
  for (Form& child : children) {
    if (child.kind == absorbing) return child;
    if (child.kind == neutral) continue;
    if (child.kind == kind) {
      joined.parts.merge(child.parts);
    } else {
      joined.parts.insert(text_of(child));
      last = std::move(child);
    }
  }
  if (contradicts(joined.parts)) return {absorbing, {}};
  return joined.parts.size() > 1 ? joined : last;
}

// What a term of the filter says as it is written, by where it begins.
using Written = std::map<uint32_t, const query::Filter*>;
void collect(const query::Node& node, Written& written) {
  if (const auto* filter = std::get_if<query::Filter>(&node.what)) {
    written[filter->key.at.begin] = filter;
  } else if (const auto* negation = std::get_if<query::Not>(&node.what)) {
    collect(*negation->term, written);
  } else if (const auto* all = std::get_if<query::And>(&node.what)) {
    for (const query::Node& term : all->terms) collect(term, written);
  } else if (const auto* any = std::get_if<query::Or>(&node.what)) {
    for (const query::Node& term : any->terms) collect(term, written);
  }
}

bool is_compared_as_written(GroupField field) {
  return field == GroupField::Issue || field == GroupField::Project || field == GroupField::Type ||
         field == GroupField::FirstSeen || field == GroupField::LastSeen;
}

class Canonizer {
 public:
  explicit Canonizer(const query::Query& tree) {
    if (tree.filter) collect(*tree.filter, written_);
  }

  Form form(const Expr& expr, bool negated) const {
    if (const query::Filter* filter = as_written(expr)) {
      return any_of(written(*filter), negated);
    }
    switch (expr.kind) {
      case Expr::Kind::True:
        return {negated ? Form::Kind::None : Form::Kind::All, {}};
      case Expr::Kind::Test:
        return any_of(atoms(expr), negated);
      case Expr::Kind::Not:
        return form(expr.children.front(), !negated);
      case Expr::Kind::And:
      case Expr::Kind::Or:
        break;
    }
    std::vector<Form> children;
    for (const Expr& child : expr.children) children.push_back(form(child, negated));
    const bool all = (expr.kind == Expr::Kind::And) != negated;
    return join(all ? Form::Kind::And : Form::Kind::Or, std::move(children));
  }

 private:
  const query::Filter* as_written(const Expr& expr) const {
    if (expr.at.end <= expr.at.begin) return nullptr;
    const auto found = written_.find(expr.at.begin);
    if (found == written_.end()) return nullptr;
    const query::FieldRef ref = query::find_field(found->second->key);
    const bool written = ref.scope == query::Scope::Group && is_compared_as_written(ref.group);
    return written ? found->second : nullptr;
  }

  static std::vector<std::string> written(const query::Filter& filter) {
    const query::FieldRef ref = query::find_field(filter.key);
    // != is the negation around the term.
    const query::Op op = filter.op == query::Op::NotEqual ? query::Op::Equal : filter.op;
    std::vector<std::string> atoms;
    for (const query::Value& value : filter.values) {
      std::string atom = fmt::format("w{},{};", raw(ref.group), raw(op));
      atom += sized(value.text);
      for (const std::string& run : value.pattern) atom += sized(run);
      atoms.push_back(std::move(atom));
    }
    return atoms;
  }

  static std::string negation_of(std::string atom) {
    return atom.starts_with('!') ? atom.substr(1) : "!" + atom;
  }

  static Form any_of(std::vector<std::string> atoms, bool negated) {
    std::vector<Form> forms;
    for (std::string& atom : atoms) {
      forms.push_back(Form::atom(negated ? negation_of(std::move(atom)) : std::move(atom)));
    }
    return join(negated ? Form::Kind::And : Form::Kind::Or, std::move(forms));
  }

  static std::vector<std::string> atoms(const Expr& leaf) {
    if (const auto* event = std::get_if<query::EventTest>(&leaf.test)) return atoms(*event);
    if (const auto* group = std::get_if<query::GroupTest>(&leaf.test)) return atoms(*group);
    if (const auto* id = std::get_if<query::IdTest>(&leaf.test)) return {"i" + id->id.hex()};
    const auto& range = std::get<query::TimeTest>(leaf.test).range;
    return {fmt::format("t{},{}", raw(range.begin), raw(range.end))};
  }

  static std::string name_of(const query::EventField& field) {
    return field.id != FieldId{0} ? fmt::format("f{};", raw(field.id)) : "g" + sized(field.tag);
  }

  // Some value of some field passes some match: an OR of all pairs. What has no value at all is the
  // negation of any value.
  static std::vector<std::string> atoms(const query::EventTest& test) {
    std::vector<std::string> all;
    for (const query::EventField& field : test.fields) {
      for (const query::TextMatch& match : test.matches) {
        std::string atom = name_of(field);
        match.append_identity(atom);
        all.push_back(std::move(atom));
      }
    }
    if (test.or_absent) {
      CAIRN_ASSERT(test.fields.size() == 1);  // free text asks for no absence
      std::string present = "!" + name_of(test.fields.front());
      query::TextMatch::any().append_identity(present);
      all.push_back(std::move(present));
    }
    return all;
  }

  static std::vector<std::string> atoms(const query::GroupTest& test) {
    const std::string field = fmt::format("q{};", raw(test.field));
    if (test.field == GroupField::Linked || test.field == GroupField::ForReview) return {field};
    std::vector<std::string> all;
    for (const uint64_t number : test.numbers) all.push_back(fmt::format("{}n{}", field, number));
    for (const query::NumberTest& count : test.counts) {
      all.push_back(fmt::format("{}c{},{}", field, raw(count.op), count.number));
    }
    for (const query::TimeRange& range : test.times) {
      all.push_back(fmt::format("{}t{},{}", field, raw(range.begin), raw(range.end)));
    }
    for (const query::TextMatch& text : test.texts) {
      all.push_back(field + "x");
      text.append_identity(all.back());
    }
    return all;
  }

  Written written_;
};

void append_projects(std::string& bytes, const Rule& rule) {
  bytes += fmt::format("p{};", rule.projects.size());
  for (const ProjectId project : rule.projects) bytes += fmt::format("{};", raw(project));
}

std::string key_text(const query::RowKey& key) {
  if (key.kind != query::RowKey::Kind::Event) return fmt::format("k{};", raw(key.kind));
  const query::EventField& field = key.field;
  return fmt::format("e{},{};", raw(field.id), raw(field.part)) + sized(field.tag) +
         sized(field.prefix);
}

}  // namespace

std::string canonical(const query::Query& tree, const Expr& expr) {
  return text_of(Canonizer(tree).form(expr, false));
}

Hash128 filter_identity(const Rule& rule, const BoundFilter& filter) {
  std::string bytes = canonical(filter.tree, split(filter.expr).events);
  append_projects(bytes, rule);
  return hash128(bytes);
}

namespace {

// The two parts each for itself: together they could cancel out in ways that either does not, and
// then what is counted would not be the same.
std::string parts_of(const BoundFilter& filter) {
  SplitFilter parts = split(filter.expr);
  return sized(canonical(filter.tree, parts.events)) +
         sized(canonical(filter.tree, Expr::all_of(std::move(parts.group))));
}

}  // namespace

Hash128 evaluation_identity(const Rule& rule, const BoundRule& bound) {
  CAIRN_ASSERT(bound.call && bound.metric);
  const query::BoundCall& call = *bound.call;
  const WindowShape shape = shape_of(*bound.metric);
  std::string bytes = parts_of(bound.filter);
  if (bound.percent_of) bytes += parts_of(*bound.percent_of);
  append_projects(bytes, rule);
  bytes += fmt::format("a{},{},{};", raw(call.function), call.per_million, call.period_us);
  if (call.field) bytes += key_text(*call.field);
  if (bound.group_by) bytes += "b" + key_text(*bound.group_by);
  bytes += fmt::format("w{},{},{},{};", shape.bucket_us, shape.buckets, shape.buckets_before,
                       resolution_of(*bound.metric));
  return hash128(bytes);
}

}  // namespace cairn::alert
