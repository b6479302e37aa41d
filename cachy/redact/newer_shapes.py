"""Shapes of keys added after the format was frozen: for responses, `verify` and the guard.

They never change a fingerprint, so a row can be added at any time. Names and patterns follow the
public rules of gitleaks: https://github.com/gitleaks/gitleaks/blob/master/config/gitleaks.toml
"""

from __future__ import annotations

from cachy.redact.shapes import word_shapes

_WORD = r"[A-Za-z0-9_-]"
_ALNUM = r"[A-Za-z0-9]"

# kind, prefixes, what follows
NEWER = word_shapes(
    (
        ("age-key", "AGE-SECRET-KEY-1", r"[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}"),
        ("bitbucket-token", "ATCTT3", r"[A-Za-z0-9_=-]{60,}"),
        ("buildkite-token", "bkua_", r"[a-z0-9]{40}"),
        ("circleci-token", "CCIPAT_", rf"{_ALNUM}{{22}}_[a-f0-9]{{40}}"),
        ("clickhouse-key", "4b1d", rf"{_ALNUM}{{38}}(?!{_WORD})"),
        ("cloudflare-key", "v1.0-", r"[a-f0-9]{24}-[a-f0-9]{146}"),
        ("databento-key", "db-", rf"{_ALNUM}{{29}}(?!{_WORD})"),
        ("docker-token", "dckr_pat_ dckr_oat_", rf"{_WORD}{{27,}}"),
        ("doppler-token", "dp.pt. dp.st. dp.ct. dp.sa.", rf"{_WORD}{{40,}}"),
        ("dropbox-token", "sl.u. sl.B", rf"{_WORD}{{60,}}"),
        ("easypost-key", "EZAK EZTK", rf"{_ALNUM}{{54}}"),
        ("facebook-token", "EAAM EAAC EAAG", rf"{_ALNUM}{{80,}}"),
        ("figma-token", "figd_", rf"{_WORD}{{38,}}"),
        ("flyio-token", "fo1_", rf"{_WORD}{{43}}(?!{_WORD})"),
        ("flyio-token", "fm2_ fm1_", r"[A-Za-z0-9+/]{100,}=*"),
        ("frameio-token", "fio-u-", rf"{_WORD}{{64}}"),
        ("heroku-key", "HRKU-AA", rf"{_WORD}{{58}}"),
        ("linear-key", "lin_oauth_", rf"{_ALNUM}{{40,}}"),
        ("netlify-token", "nfp_", rf"{_ALNUM}{{36,}}"),
        ("newrelic-key", "NRAK-", r"[A-Z0-9]{27}"),
        ("onepassword-token", "ops_eyJ", r"[A-Za-z0-9+/]{200,}=*"),
        ("planetscale-token", "pscale_tkn_ pscale_oauth_ pscale_pw_", r"[A-Za-z0-9_.=-]{32,}"),
        ("postman-key", "PMAK-", r"[a-f0-9]{24}-[a-f0-9]{34}"),
        ("prefect-key", "pnu_", r"[a-z0-9]{36}"),
        ("pulumi-token", "pul-", r"[a-f0-9]{40}"),
        ("readme-key", "rdme_", r"[a-z0-9]{70}"),
        ("rubygems-key", "rubygems_", r"[a-f0-9]{48}"),
        ("scalingo-token", "tk-us-", rf"{_WORD}{{48}}"),
        ("sendinblue-key", "xkeysib-", r"[a-f0-9]{64}-[A-Za-z0-9]{16}"),
        ("shippo-token", "shippo_live_ shippo_test_", r"[a-f0-9]{40}"),
        ("sourcegraph-token", "sgp_", r"(?:[a-f0-9]{16}_|local_)?[a-f0-9]{40}"),
        ("square-token", "sq0atp- sq0csp-", rf"{_WORD}{{22,}}"),
        ("stripe-key", "sk_prod_ rk_prod_", rf"{_ALNUM}{{16,}}"),
        ("typeform-token", "tfp_", r"[A-Za-z0-9_.=-]{59}"),
        ("vercel-token", "vercel_blob_rw_ vcp_ vci_ vca_", rf"{_WORD}{{24,}}"),
    )
)
