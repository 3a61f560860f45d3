// What an occurrence is found under beside its attributes and tags: what its exceptions, stack
// traces, contexts and evidence say. Few occurrences of a typical stream have any of it, so it is
// looked for only where it is.
//
// Ownership: the terms' views live as long as the occurrence, its event's tree and the texts, or
// until the next collect(). Thread: one at a time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/field.h"
#include "model/json_tree.h"
#include "model/occurrence.h"
#include "model/term_texts.h"

namespace cairn::model {

class TermDetails {
 public:
  // Members of an event, false where it has none; kept kEventKeepDepth levels below the event.
  struct Sources {
    JsonValue exception;
    JsonValue threads;
    JsonValue stacktrace;
    JsonValue contexts;
    JsonValue geo;      // of the user
    JsonValue headers;  // of the request
    JsonValue location;

    explicit operator bool() const {
      return exception || threads || stacktrace || contexts || geo || headers || location;
    }
  };

  // Appends what it finds: to `fields` those of builtin fields behind kLastAttribute, ascending by
  // field, and to `tags`, which holds the event's own tags, those that count as tags too.
  void collect(const Occurrence& occurrence, const Sources& sources, TermTexts& texts,
               std::vector<Term>& fields, std::vector<Term>& tags);

 private:
  struct Frame {
    std::string_view function;
    std::string_view module;
    std::string_view filename;
    std::string_view package;
    std::string_view abs_path;
    std::string_view lineno;
    bool in_app = false;

    bool empty() const;
    std::string_view place() const;  // module, else file, else package
  };

  // A second look at what lies deeper than the event's tree reaches.
  void look_deeper(const Sources& sources);
  void collect_errors(JsonValue exception, JsonValue threads, std::vector<Term>& fields);
  void collect_error(JsonValue error);
  void collect_frames(JsonValue stacktrace);
  void choose_frames();
  void collect_stack(std::vector<Term>& fields);
  void collect_evidence(const Occurrence& occurrence, std::vector<Term>& tags);
  void collect_contexts(JsonValue contexts, std::vector<Term>& tags);
  void collect_context(std::string_view name, JsonValue context, std::vector<Term>& tags);
  std::string_view referer(JsonValue headers);
  void add_tag(std::string_view scope, std::string_view name, std::string_view value,
               std::vector<Term>& tags);
  void add_each_once(FieldId field, const std::vector<std::string_view>& values,
                     std::vector<Term>& fields);

  TermTexts* texts_ = nullptr;
  size_t own_tags_ = 0;  // of the event, before what counts as tags
  JsonTree deeper_;
  JsonTree data_;
  JsonTree display_;
  std::string wrapped_;
  std::vector<std::string_view> values_;      // of exceptions
  std::vector<std::string_view> mechanisms_;  // of exceptions
  std::vector<std::string_view> evidence_;
  std::vector<Frame> frames_;  // newest first once chosen, and no more than kMaxFrames
  std::string_view top_;
  std::string_view top_file_;
  bool unhandled_ = false;
};

}  // namespace cairn::model
