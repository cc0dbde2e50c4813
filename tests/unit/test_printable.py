"""What stages print must not spoil what is shown."""

import pytest
from made_runs import ended, printed, shown

from bodywork_compiler.printable import log_line, without_go_values, without_runner_commands


@pytest.mark.parametrize(
    ("line", "plain"),
    [
        ("as it is: ü 漢 😀", "as it is: ü 漢 😀"),
        ("tab\tstays", "tab\tstays"),
        ("dos line\r", "dos line"),
        (" 10%\r 50%\r100%", "100%"),
        ("\r", ""),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[1;1Hcleared", "cleared"),
        ("up\x1b[1A\x1b[2K", "up"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;never ended", ""),
        ("\x1bcreset", "reset"),
        ("\x1b(Bcharset", "charset"),
        ("bell\x07 back\x08 null\x00 del\x7f", "bell back null del"),
        ("c1 \x9b31m and \x85 and \u2028", "c1 31m and  and "),
        ("cut off \x1b", "cut off "),
    ],
)
def test_without_a_terminal_only_text_is_left(line, plain):
    assert log_line(line) == plain


@pytest.mark.parametrize(
    ("line", "painted"),
    [
        ("\x1b[31mred", "\x1b[31mred\x1b[0m"),
        ("\x1b[1;38;5;4mblue\x1b[0m!", "\x1b[1;38;5;4mblue\x1b[0m!\x1b[0m"),
        ("\x1b[2Jcleared", "cleared"),
        ("50%\r\x1b[32m100%", "\x1b[32m100%\x1b[0m"),
        ("\x1b]0;title \x1b[31m\x07text", "\x1b[31mtext\x1b[0m"),
    ],
)
def test_on_a_terminal_colours_may_pass_and_end_with_their_line(line, painted):
    assert log_line(line, colours=True) == painted


@pytest.mark.parametrize("line", ["::error::gone", "  ::add-mask::x", "x ##[error]gone", "::set-output name=a::b"])
@pytest.mark.parametrize("style", ["live", "replay"])
def test_a_stage_cannot_steer_the_ci_job_that_shows_its_log(line, style):
    text = shown([printed(line, stage="s"), ended()], log_style=style, environ={"GITHUB_ACTIONS": "true"})
    assert line[-4:] in text
    assert not any(each.lstrip().startswith("::") or "##[" in each for each in text.splitlines())


def test_elsewhere_a_line_is_shown_as_it_is():
    assert shown([printed("##[x] ::y::")], log_style="live") == "train-model | ##[x] ::y::\n"


def test_what_is_no_command_is_left_alone():
    assert without_runner_commands("std::vector ## [x]") == "std::vector ## [x]"


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (
            (
                'The Job "train" is invalid: spec.template: Invalid value: core.PodTemplateSpec{ObjectMeta:v1.ObjectMeta{Labels:map[string]string{"a":"}b"}}, '
                'Spec:core.PodSpec{Volumes:[]core.Volume(nil), A:[]string{"x"}}}: field is immutable'
            ),
            'The Job "train" is invalid: spec.template: field is immutable',
        ),
        ("failed: &errors.StatusError{ErrStatus:v1.Status{Code:404}} and so on", "failed: … and so on"),
        ('failed: {v1.ObjectMeta{Name:"x"}} and so on', "failed: … and so on"),
        ("does not match map[app:x b:map[c:d]], expected", "does not match …, expected"),
        ('labels []string{"a"} x', "labels … x"),
        ('cut off core.Pod{a: "', "cut off …"),
        ("Invalid value: 99999: must be between 1 and 65535", "Invalid value: 99999: must be between 1 and 65535"),
        ('unknown field "spec.containers[0].imge" in {x}', 'unknown field "spec.containers[0].imge" in {x}'),
        ("&&& {{ v1.x }} map [", "&&& {{ v1.x }} map ["),
    ],
)
def test_values_of_go_are_not_repeated(message, said):
    assert without_go_values(message) == said
