//go:build browser

package cli

import (
	"context"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// browserTimeout bounds each start of the browser.
const browserTimeout = time.Minute

// browse opens a page in the browser that BROWSER names, and returns what the browser prints.
func browse(t *testing.T, page string, flags ...string) string {
	t.Helper()
	g := NewWithT(t)
	browser := os.Getenv("BROWSER")
	g.Expect(browser).NotTo(BeEmpty(), "BROWSER names no browser: use make test-browser")
	dir := t.TempDir()
	file := filepath.Join(dir, "audit.html")
	g.Expect(os.WriteFile(file, []byte(page), 0o600)).To(Succeed())
	ctx, cancel := context.WithTimeout(t.Context(), browserTimeout)
	defer cancel()
	// The page has to work without any host, and the browser must not ask for hosts of its own.
	cmd := exec.CommandContext(ctx, browser, append(append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND", "--user-data-dir=" + filepath.Join(dir, "profile"),
	}, flags...), "file://"+file)...)
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	g.Expect(err).NotTo(HaveOccurred())
	return string(out)
}

// driven runs a script in the page, which its policy allows for this test only, and returns what the script writes to `result`.
func driven(t *testing.T, page, script string, flags ...string) string {
	t.Helper()
	g := NewWithT(t)
	script = "const result = document.createElement('pre'); result.id = 'result'; const say = (x) => { result.textContent += x + '\\n'; };" + script +
		";document.body.append(result);"
	page = strings.Replace(page, "script-src ", "script-src '"+hashOf(script)+"' ", 1)
	page = strings.Replace(page, "</body>", "<script>"+script+"</script></body>", 1)
	dom := browse(t, page, append(flags, "--dump-dom")...)
	found := regexp.MustCompile(`(?s)<pre id="result">(.*?)</pre>`).FindStringSubmatch(dom)
	g.Expect(found).NotTo(BeNil(), "the page ran the script")
	return html.UnescapeString(found[1])
}

// hostileName would run a script if the page did not escape it.
const hostileName = `<img src=x onerror=say('hacked')>`

// auditedPage returns the report of Backups in three namespaces.
func auditedPage(t *testing.T) string {
	t.Helper()
	var backups []string
	for i := range 12 {
		name := fmt.Sprintf("db%d", i)
		spec := strings.Replace(componentWith(policy(name)), `"replicas":3`, `"replicas":3,"env":[{"name":"PASSWORD","value":"hunter2-`+name+`"}]`, 1)
		backups = append(backups, backupOf([]string{"shop", "bank"}[i%2], name, name+"-1", 1, spec))
	}
	backups = append(backups, backupOf("vault", hostileName, "odd", 1, `"componentSpecs":[{"name":"mysql"}]`))
	r := auditIn(serverWith(t, backups...).cluster(t), "-A", "--kubeblocks", "0.9", "-o", "html", "--fail-on", "never")
	NewWithT(t).Expect(r.err).NotTo(HaveOccurred())
	return r.out
}

func TestThePageNeedsNothingFromElsewhere(t *testing.T) {
	g := NewWithT(t)
	page := auditedPage(t)

	g.Expect(page).To(ContainSubstring("default-src 'none'; style-src '" + strings.ReplaceAll(hashOf(auditStyle), "+", "&#43;")))
	g.Expect(page).NotTo(MatchRegexp(`(?i)<(link|img|iframe|object|embed|base|form)\b`))
	g.Expect(page).NotTo(MatchRegexp(`(?i)(\ssrc\s*=|url\(|@import)\s*["']?http`))
	g.Expect(page).NotTo(ContainSubstring("hunter2"), "no values of environment variables")
	g.Expect(page).To(ContainSubstring(html.EscapeString(hostileName[:8])))
}

func TestThePageSortsWithoutAServer(t *testing.T) {
	g := NewWithT(t)

	said := driven(t, auditedPage(t), `
		const sources = () => [...document.querySelectorAll("tbody tr")].map(r => r.cells[1].textContent.trim()).filter(n => n.startsWith("db")).join(" ");
		const head = document.querySelector("th:nth-child(2)");
		head.firstChild.click(); say(sources()); say(head.getAttribute("aria-sort"));
		head.firstChild.click(); say(sources()); say(head.getAttribute("aria-sort"))`)

	g.Expect(said).To(Equal("db0 db1 db2 db3 db4 db5 db6 db7 db8 db9 db10 db11\nascending\n" +
		"db11 db10 db9 db8 db7 db6 db5 db4 db3 db2 db1 db0\ndescending\n"))
}

func TestThePageShowsTheRuleInWordsAndTheChange(t *testing.T) {
	g := NewWithT(t)

	said := driven(t, auditedPage(t), `
		document.querySelector("tbody details").open = true;
		say(document.querySelector("tbody details").innerText);
		say(document.querySelectorAll(".tiles li").length + " tiles");
		say(document.body.innerText.includes("onerror") + " text, " + document.images.length + " images");
		say(getComputedStyle(document.querySelector("td.verdict")).fontWeight)`)

	g.Expect(said).To(ContainSubstring("RH001 SourceIdentity"))
	g.Expect(said).To(MatchRegexp(`hangs while db\d+ runs, because its Pods can be in every node`))
	g.Expect(said).To(MatchRegexp(`- db\d+\n\+ restored`))
	g.Expect(said).To(ContainSubstring("3 tiles"))
	g.Expect(said).To(ContainSubstring("true text, 0 images"))
	g.Expect(said).To(ContainSubstring("600"), "the policy applies the page's style")
	g.Expect(said).NotTo(ContainSubstring("hacked"))
}

func TestThePageFitsAPhoneAndTheDark(t *testing.T) {
	g := NewWithT(t)
	script := `say(getComputedStyle(document.body).backgroundColor); say(document.documentElement.scrollWidth <= innerWidth); say(innerWidth <= 720)`

	light := driven(t, auditedPage(t), script, "--window-size=500,740", "--blink-settings=preferredColorScheme=1")
	dark := driven(t, auditedPage(t), script, "--window-size=500,740", "--blink-settings=preferredColorScheme=0")

	g.Expect(light).To(Equal("rgb(255, 255, 255)\ntrue\ntrue\n"))
	g.Expect(dark).To(Equal("rgb(13, 17, 23)\ntrue\ntrue\n"))
}

func TestThePageCanBePrinted(t *testing.T) {
	g := NewWithT(t)
	pdf := filepath.Join(t.TempDir(), "audit.pdf")

	browse(t, auditedPage(t), "--print-to-pdf="+pdf)

	content, err := os.ReadFile(pdf)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(content[:5])).To(Equal("%PDF-"))
}
