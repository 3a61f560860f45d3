#include "model/term_details.h"

#include <algorithm>
#include <array>
#include <unordered_set>

#include "base/ascii.h"

namespace cairn::model {
namespace {

// Contexts whose members count as tags CONTEXT.MEMBER.
constexpr std::array<std::string_view, 5> kContexts = {"device", "os", "app", "browser", "runtime"};

// The same text twice says nothing new; linear, as lists are short.
bool holds(const std::vector<Term>& terms, size_t since, const Term& wanted) {
  return std::any_of(
      terms.begin() + static_cast<ptrdiff_t>(since), terms.end(), [&](const Term& term) {
        return term.id == wanted.id && term.tag == wanted.tag && term.value == wanted.value;
      });
}

bool is_true(JsonValue value) {
  return value && value.kind() == JsonKind::Boolean && value.raw() == "true";
}
bool is_false(JsonValue value) {
  return value && value.kind() == JsonKind::Boolean && value.raw() == "false";
}

// {"values": [..]}, a bare list, or one bare entry: calls fn(entry) for each.
template <class Fn>
void for_each_entry(JsonValue list, Fn&& fn) {
  if (!list) return;
  if (list.kind() == JsonKind::Object) {
    const JsonValue values = find_member(list, "values");
    if (!values) return fn(list);
    list = values;
  }
  if (list.kind() != JsonKind::Array) return;
  for (JsonValue entry = list.first(); entry; entry = entry.next()) {
    if (entry.kind() == JsonKind::Object) fn(entry);
  }
}

void append_member(std::string& object, std::string_view name, JsonValue value) {
  if (!value) return;
  object += object.empty() ? "{\"" : ",\"";
  object.append(name).append("\":").append(value.raw());
}

}  // namespace

bool TermDetails::Frame::empty() const { return function.empty() && place().empty(); }

std::string_view TermDetails::Frame::place() const {
  if (!module.empty()) return module;
  return filename.empty() ? package : filename;
}

void TermDetails::collect(const Occurrence& occurrence, const Sources& sources, TermTexts& texts,
                          std::vector<Term>& fields, std::vector<Term>& tags) {
  texts_ = &texts;
  own_tags_ = tags.size();
  evidence_.clear();
  frames_.clear();
  top_ = top_file_ = {};
  if (sources.exception || sources.threads || sources.stacktrace) {
    look_deeper(sources);
    const JsonValue root = deeper_.root();
    collect_errors(find_member(root, "exception"), find_member(root, "threads"), fields);
    if (frames_.empty()) collect_frames(find_member(root, "stacktrace"));
    choose_frames();
    collect_stack(fields);
  }
  const std::string_view given = sources.location ? texts.scalar(sources.location) : "";
  const std::string_view location = given.empty() ? top_file_ : given;
  if (!location.empty()) fields.push_back(Term{field::kLocation, {}, location});
  if (const std::string_view from = referer(sources.headers); !from.empty()) {
    fields.push_back(Term{field::kHttpReferer, {}, from});
  }
  collect_contexts(sources.contexts, tags);
  if (sources.geo) collect_context("geo", sources.geo, tags);
  collect_evidence(occurrence, tags);
  add_each_once(field::kEvidence, evidence_, fields);
}

void TermDetails::look_deeper(const Sources& sources) {
  // To the members of a frame of an exception, and of this wrapping.
  constexpr int kKeepDepth = 7;
  wrapped_.clear();
  append_member(wrapped_, "exception", sources.exception);
  append_member(wrapped_, "threads", sources.threads);
  append_member(wrapped_, "stacktrace", sources.stacktrace);
  wrapped_ += '}';
  // It is valid: all of it was read before.
  if (!deeper_.parse(wrapped_, kKeepDepth, kMaxJsonDepth).ok()) {
    static_cast<void>(deeper_.parse("{}", 1, 1));
  }
}

// --- exceptions -----------------------------------------------------------------------------

void TermDetails::collect_errors(JsonValue exception, JsonValue threads,
                                 std::vector<Term>& fields) {
  values_.clear();
  mechanisms_.clear();
  unhandled_ = false;
  size_t errors = 0;
  std::string_view main;  // whether it was raised on the main thread, where that is told
  for_each_entry(exception, [&](JsonValue error) {
    ++errors;
    collect_error(error);
    const std::string_view thread = texts_->member(error, "thread_id");
    if (thread.empty() || main == "true") return;
    for_each_entry(threads, [&](JsonValue one) {
      const JsonValue is_main = find_member(one, "main");
      if (!is_main || is_main.kind() != JsonKind::Boolean) return;
      if (texts_->member(one, "id") == thread && main != "true") main = is_main.raw();
    });
  });
  add_each_once(field::kErrorValue, values_, fields);
  add_each_once(field::kErrorMechanism, mechanisms_, fields);
  if (errors > 0) {
    fields.push_back(Term{field::kErrorHandled, {}, unhandled_ ? "false" : "true"});
    fields.push_back(Term{field::kErrorUnhandled, {}, unhandled_ ? "true" : "false"});
  }
  if (!main.empty()) fields.push_back(Term{field::kErrorMainThread, {}, main});
  if (!frames_.empty()) return;
  // Without an exception's: the thread that crashed, else the one that reports.
  JsonValue thread;
  for_each_entry(threads, [&](JsonValue one) {
    const bool crashed = is_true(find_member(one, "crashed"));
    const bool taken = thread && is_true(find_member(thread, "crashed"));
    if (!taken && (crashed || (!thread && is_true(find_member(one, "current"))))) thread = one;
  });
  if (thread) collect_frames(find_member(thread, "stacktrace"));
}

void TermDetails::collect_error(JsonValue error) {
  values_.push_back(texts_->member(error, "value"));
  const JsonValue mechanism = find_member(error, "mechanism");
  mechanisms_.push_back(texts_->member(mechanism, "type"));
  unhandled_ = unhandled_ || is_false(TermTexts::child(mechanism, "handled"));
  collect_frames(find_member(error, "stacktrace"));
}

// --- stack traces ---------------------------------------------------------------------------

// Appends them in the order of the wire form: the newest call last.
void TermDetails::collect_frames(JsonValue stacktrace) {
  const JsonValue list = TermTexts::child(stacktrace, "frames");
  if (!list || list.kind() != JsonKind::Array) return;
  for (JsonValue entry = list.first(); entry; entry = entry.next()) {
    if (entry.kind() != JsonKind::Object) continue;
    Frame frame;
    for (JsonValue name = entry.first(); name; name = name.next().next()) {
      const std::string_view key = texts_->text(name);
      const JsonValue value = name.next();
      if (is_name(key, "function")) frame.function = texts_->scalar(value);
      if (is_name(key, "module")) frame.module = texts_->scalar(value);
      if (is_name(key, "filename")) frame.filename = texts_->scalar(value);
      if (is_name(key, "package")) frame.package = texts_->scalar(value);
      if (is_name(key, "abs_path")) frame.abs_path = texts_->scalar(value);
      if (is_name(key, "lineno")) frame.lineno = texts_->scalar(value);
      if (is_name(key, "in_app")) frame.in_app = is_true(value);
    }
    if (!frame.empty()) frames_.push_back(frame);
  }
}

// Newest first, the application's own before others.
void TermDetails::choose_frames() {
  std::reverse(frames_.begin(), frames_.end());
  std::stable_partition(frames_.begin(), frames_.end(),
                        [](const Frame& frame) { return frame.in_app; });
  if (frames_.size() > kMaxFrames) frames_.resize(kMaxFrames);
}

void TermDetails::collect_stack(std::vector<Term>& fields) {
  if (frames_.empty()) return;
  std::vector<std::string_view>& column = values_;
  const auto add = [&](FieldId field, std::string_view Frame::*part) {
    column.clear();
    for (const Frame& frame : frames_) column.push_back(frame.*part);
    add_each_once(field, column, fields);
  };
  add(field::kStackFilename, &Frame::filename);
  add(field::kStackFunction, &Frame::function);
  add(field::kStackModule, &Frame::module);
  add(field::kStackPackage, &Frame::package);
  add(field::kStackAbsPath, &Frame::abs_path);
  add(field::kStackLineno, &Frame::lineno);
  const Frame& top = frames_.front();
  top_file_ = top.filename;
  top_ = top.function.empty()  ? top.place()
         : top.place().empty() ? top.function
                               : texts_->joined(top.place(), " in ", top.function);
  fields.push_back(Term{field::kStackTop, {}, top_});
}

// --- what counts as tags --------------------------------------------------------------------

void TermDetails::collect_contexts(JsonValue contexts, std::vector<Term>& tags) {
  if (!contexts || contexts.kind() != JsonKind::Object) return;
  for (JsonValue name = contexts.first(); name; name = name.next().next()) {
    const std::string_view key = texts_->text(name);
    if (key == "response") {
      add_tag("http", "status_code", texts_->member(name.next(), "status_code"), tags);
    } else if (std::find(kContexts.begin(), kContexts.end(), key) != kContexts.end()) {
      collect_context(key, name.next(), tags);
    }
  }
}

void TermDetails::collect_context(std::string_view name, JsonValue context,
                                  std::vector<Term>& tags) {
  if (context.kind() != JsonKind::Object) return;
  size_t members = 0;
  for (JsonValue key = context.first(); key && members < kMaxContextMembers;
       key = key.next().next()) {
    const std::string_view member = texts_->text(key);
    const std::string_view value = texts_->scalar(key.next());
    if (value.empty() || member == "type") continue;  // which names the context again
    add_tag(name, member, value, tags);
    ++members;
  }
}

void TermDetails::collect_evidence(const Occurrence& occurrence, std::vector<Term>& tags) {
  if (!occurrence.evidence_display.empty() &&
      display_
          .parse(wrapped_.assign("{\"\":").append(occurrence.evidence_display).append("}"), 3,
                 kMaxJsonDepth + 1)
          .ok()) {
    const JsonValue list = display_.root().first().next();
    for (JsonValue entry = list.first(); entry && evidence_.size() < kMaxEvidence;
         entry = entry.next()) {
      const std::string_view name = texts_->member(entry, "name");
      const std::string_view value = texts_->member(entry, "value");
      const std::string_view both = name.empty()    ? value
                                    : value.empty() ? name
                                                    : texts_->joined(name, ": ", value);
      evidence_.push_back(both);
      add_tag("evidence", name, value, tags);
    }
  }
  if (occurrence.evidence_data.empty() ||
      !data_.parse(occurrence.evidence_data, 1, kMaxJsonDepth).ok()) {
    return;
  }
  size_t members = 0;
  for (JsonValue key = data_.root().first(); key && members < kMaxEvidence;
       key = key.next().next()) {
    const std::string_view value = texts_->scalar(key.next());
    if (value.empty()) continue;
    add_tag("evidence", texts_->text(key), value, tags);
    ++members;
  }
}

std::string_view TermDetails::referer(JsonValue headers) {
  if (!headers) return {};
  const auto fits = [&](JsonValue name) {
    return name.kind() == JsonKind::String && equal_ignoring_case(texts_->text(name), "referer");
  };
  if (headers.kind() == JsonKind::Object) {
    for (JsonValue name = headers.first(); name; name = name.next().next()) {
      if (fits(name)) return texts_->scalar(name.next());
    }
  } else if (headers.kind() == JsonKind::Array) {
    for (JsonValue pair = headers.first(); pair; pair = pair.next()) {
      const JsonValue name = pair.kind() == JsonKind::Array ? pair.first() : JsonValue{};
      if (name && name.next() && fits(name)) return texts_->scalar(name.next());
    }
  }
  return {};
}

// The event's own tag of that name says it better.
void TermDetails::add_tag(std::string_view scope, std::string_view name, std::string_view value,
                          std::vector<Term>& tags) {
  if (name.empty() || value.empty() || value.size() > kMaxTagValueBytes ||
      scope.size() + 1 + name.size() > kMaxTagKeyBytes) {
    return;
  }
  const std::string_view tag = texts_->joined(scope, ".", name);
  const auto own_end = tags.begin() + static_cast<ptrdiff_t>(own_tags_);
  if (std::any_of(tags.begin(), own_end, [&](const Term& term) { return term.tag == tag; })) return;
  const Term term{FieldId{0}, tag, value};
  if (!holds(tags, own_tags_, term)) tags.push_back(term);
}

void TermDetails::add_each_once(FieldId field, const std::vector<std::string_view>& values,
                                std::vector<Term>& fields) {
  constexpr size_t kPairs = 64;  // comparing all pairs beats hashing up to here
  const size_t since = fields.size();
  std::unordered_set<std::string_view> seen;
  for (const std::string_view value : values) {
    if (value.empty()) continue;
    const Term term{field, {}, value};
    const bool again =
        values.size() > kPairs ? !seen.insert(value).second : holds(fields, since, term);
    if (!again) fields.push_back(term);
  }
}

}  // namespace cairn::model
