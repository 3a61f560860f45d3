// A grammar as docs/query-language.md writes it: read, then used to recognise texts and to make
// random ones. It knows nothing of the real parser, so that each can be held against the other.
//
// Notation: `a b` one after the other; `a | b` the first that matches; `{ a }` as often as it
// matches, also never; `[ a ]` if it matches; `a - b` what is `a` but does not begin with `b`;
// `before a` and `not before a` look at what follows and take nothing. What was taken is not given
// back. "x" and 'x' are themselves. Rules of a spaced block may have blanks and tabs before each of
// their parts, and their words of letters stand in any case and end where a name would.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::testing {

class Ebnf {
 public:
  Ebnf();
  ~Ebnf();

  // What is wrong with the block, or "".
  std::string add(std::string_view block, bool spaced);
  // What is wrong with the whole: names without a rule, rules nobody uses. `start` begins a text.
  std::string finish(const std::string& start);

  bool accepts(std::string_view text) const;
  // Marks the choices that `text` takes; returns whether it is accepted.
  bool use(std::string_view text);
  // Choices that no text took yet: "RULE: what".
  std::vector<std::string> unused() const;

  // Looks ahead where the rules do not, so it may give texts that are not accepted.
  std::string random_text(std::mt19937_64& random) const;
  // A text of the grammar's own words and signs, to be put anywhere.
  std::string random_piece(std::mt19937_64& random) const;

 private:
  struct Part;
  class Reader;
  class Matcher;
  class Maker;

  static void collect_taken(const Part& part, std::set<const Part*>& taken);
  void measure_heights();

  std::vector<std::unique_ptr<Part>> parts_;
  std::map<std::string, Part*> rules_;
  std::map<const Part*, std::string> choices_;  // what using each of them shows
  std::set<const Part*> used_;
  std::vector<std::string> literals_;
  const Part* start_ = nullptr;
};

}  // namespace cairn::testing
