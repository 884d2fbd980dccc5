import{a as v,b as w,c as C,d as se}from"./part-KSULAJ2F.js";import{B as U,C as ee,b as B,c as Q,d as V,e as X,f as m,g as Z,r as _}from"./part-YZEX2WLS.js";import{A as K,G as te,H as $,I as A,J as P,b as s,c as r,d as T,n as R,p as W,t as F,u as q,w as g,y as f}from"./part-KWRCCB3G.js";var N=encodeURIComponent,E={password:(e,t)=>m("POST","/auth/password",{current:e,password:t}),sessions:async()=>(await m("GET","/auth/sessions")).sessions,end:e=>m("DELETE",`/auth/sessions/${N(e)}`),begin:e=>m("POST","/auth/totp",{password:e}),confirm:async e=>(await m("POST","/auth/totp/confirm",{code:e})).recovery_codes,remove:(e,t)=>m("POST","/auth/totp/remove",{password:e,code:t}),recovery:async e=>(await m("POST","/auth/totp/recovery",{password:e})).recovery_codes},I={list:async()=>(await m("GET","/users")).users,add:e=>m("POST","/users",e),change:(e,t)=>m("PATCH",`/users/${N(e)}`,t),remove:e=>m("DELETE",`/users/${N(e)}`),sessions:async()=>(await m("GET","/sessions")).sessions,end:e=>m("DELETE",`/sessions/${N(e)}`)},G={list:async()=>(await m("GET","/api-keys")).keys,add:e=>m("POST","/api-keys",e),remove:e=>m("DELETE",`/api-keys/${N(e)}`)},j={list:e=>m("GET",`/audit?${new URLSearchParams(e)}`),verify:()=>m("GET","/audit/verify"),exportURL:e=>`${B}/audit/export?format=${e}`},L={certificate:()=>m("GET","/system/tls"),setCertificate:e=>m("PUT","/system/tls",e),outgoing:()=>m("GET","/system/outgoing"),setOutgoing:e=>m("PUT","/system/outgoing",e),rotate:async()=>(await m("POST","/system/secrets/rotate",{})).rotated,backup:async e=>(await X("POST","/system/backup",{passphrase:e})).blob(),async restore(e,t){let a;try{a=await fetch(`${B}/system/restore?confirm=restore`,{method:"POST",body:e,headers:{"Content-Type":"application/octet-stream","Backup-Passphrase":encodeURIComponent(t)}})}catch{throw Q()}if(!a.ok)throw V(a.status,"/system/restore",await a.json().catch(()=>null))}},oe={admin:"Everything",manager:"Cameras, exports and kept footage",guard:"Live, playback, exports and keeping footage",viewer:"Live and playback",worker:"Takes pictures to look at, and says what it sees",metrics:"Reads the figures for a monitoring system",relay:"Passes detections on",integration:"Watches, plays back and triggers"};function z(e,t){return e?e.length===0?"No camera":e.map(t).join(", "):"All cameras"}function H(e){let t=[["Edg/","Edge"],["OPR/","Opera"],["Firefox/","Firefox"],["Chrome/","Chrome"],["Safari/","Safari"]].find(([o])=>e.includes(o))?.[1],a=[["Android","Android"],["iPhone","iPhone"],["iPad","iPad"],["Windows","Windows"],["Mac OS","Mac"],["Linux","Linux"]].find(([o])=>e.includes(o))?.[1];return t?a?`${t} on ${a}`:t:e.slice(0,40)||"unknown"}function ae(e){let t=e.action.replace(/[._]/g," "),a=[e.target,e.camera&&e.camera!==e.target?`camera ${e.camera}`:""].filter(Boolean).join(", "),o=Object.entries(e.detail??{}).map(([n,i])=>`${n}: ${i}`).join(", ");return[t,a,o&&`(${o})`].filter(Boolean).join(" ")}var ne=e=>e.map((t,a)=>[...t].map((o,n)=>o==="1"?`M${n} ${a}h1v1h-1z`:"").join("")).join("");var re={ok:"done",denied:"denied",failed:"failed"};function ie(){let[e,t]=r([]),[a,o]=r(0),[n,i]=r(""),[d,p]=r(""),{busy:l,error:b,go:y}=v(),c=(u=0,D=n)=>y(async()=>{let x=await j.list({limit:"50",...D&&{text:D},...u&&{before:String(u)}});t(S=>u?[...S,...x.entries]:x.entries),o(x.next??0)});T(()=>{c()},[]);let h=async()=>{try{let u=await j.verify();p(u.ok?`Unbroken: ${ee(u.entries,"entry","entries")} follow on each other.`:`Changed from outside at entry ${u.broken_at}: ${u.reason}.`)}catch(u){f("error",u.message)}};return s`<section class="card span2" aria-labelledby="audit-h"><h2 id="audit-h">Audit</h2>
    <form class="row" onSubmit=${u=>{u.preventDefault(),c(0,new FormData(u.currentTarget).get("audit-text"))}}><${$} id="audit-text" label="Search" value=${n} onInput=${i} testid="audit-text" /><button type="submit" class="button" disabled=${l}>Search</button></form>
    <${w} error=${b} />
    <div class="table-box"><table class="table stackable" data-testid="audit">
      <thead><tr><th scope="col">When</th><th scope="col">Who</th><th scope="col">What</th><th scope="col">From</th><th scope="col">Result</th></tr></thead>
      <tbody>${e.map(u=>s`<tr key=${u.seq}><td data-label="When" class="mono">${_(Date.parse(u.time),W.value)}</td><th scope="row">${u.actor||"somebody"}</th>
        <td data-label="What">${ae(u)}</td><td data-label="From" class="mono">${u.address??""}</td>
        <td data-label="Result">${u.result==="ok"?re.ok:s`<span class="tag tag-bad">${re[u.result]}</span>`}</td></tr>`)}</tbody>
    </table></div>
    <p class="actions">${a>0&&s`<button type="button" class="button" disabled=${l} onClick=${()=>c(a)}>Earlier</button> `}
      <button type="button" class="button" onClick=${h} data-testid="audit-verify">Check that nothing was changed</button>
      <a class="button" href=${j.exportURL("csv")} download>Table (CSV)</a> <a class="button" href=${j.exportURL("jsonl")} download>JSON lines</a></p>
    <p role="status" data-testid="audit-checked">${d}</p>
  </section>`}var le=e=>q.value.find(t=>t.id===e)?.name??e,ve=["admin","manager","guard","viewer"],we=["worker","metrics","relay","integration"];function de({value:e,onChange:t}){let a=(o,n)=>t(n?[...e??[],o]:(e??[]).filter(i=>i!==o));return s`<${A} id="all-cameras" label="All cameras" hint="Those that are added later too." checked=${!e} onChange=${o=>t(o?void 0:[])} testid="all-cameras" />
    ${e&&s`<fieldset class="picks"><legend>These cameras</legend>${q.value.map(o=>s`<label key=${o.id}><input type="checkbox" checked=${e.includes(o.id)}
      onChange=${n=>a(o.id,n.target.checked)} data-testid="pick-${o.id}" /> ${o.name}</label>`)}</fieldset>`}`}function ce({roles:e,value:t,onChange:a}){return s`<label class="field">Role <select value=${t} onChange=${o=>a(o.target.value)} data-testid="role">
    ${e.map(o=>s`<option key=${o} value=${o}>${o}: ${oe[o]}</option>`)}</select></label>`}function ue(){let[e,t]=r([]),[a,o]=r([]),[n,i]=r(null),[d,p]=r(null),l=()=>Promise.all([I.list().then(t),I.sessions().then(o)]).catch(c=>f("error",c.message));T(()=>{l()},[]);let b=()=>[i(null),p(null),void l()],y=c=>I.end(c.id).then(l,h=>f("error",h.message));return s`<section class="card span2" aria-labelledby="people-h"><h2 id="people-h">People</h2>
    <div class="table-box"><table class="table stackable" data-testid="people">
      <thead><tr><th scope="col">Who</th><th scope="col">Role</th><th scope="col">Sees</th><th scope="col">Last here</th><th scope="col"><span class="sr">What may be done</span></th></tr></thead>
      <tbody>${e.map(c=>s`<tr key=${c.username} data-testid="person-${c.username}">
        <th scope="row">${c.username} ${c.disabled&&s`<span class="tag">switched off</span>`} ${c.totp&&s`<span class="tag">second factor</span>`}</th>
        <td data-label="Role">${c.role}</td><td data-label="Sees">${z(c.cameras,le)}</td>
        <td data-label="Last here">${c.last_login?U(F.value-Date.parse(c.last_login)):"never"}</td>
        <td class="actions"><button type="button" class="button small" disabled=${g.value} onClick=${()=>i(c)} data-testid="person-edit-${c.username}">Change…</button>
          ${c.username!==R.value?.username&&s` <button type="button" class="button small" disabled=${g.value} onClick=${()=>p(c)} data-testid="person-remove-${c.username}">Remove…</button>`}</td></tr>`)}</tbody>
    </table></div>
    <p><button type="button" class="button" disabled=${g.value} onClick=${()=>i("new")} data-testid="person-add">Add somebody…</button></p>
    <h3>Signed in now</h3>
    <${J} list=${a} named onEnd=${y} testid="all-sessions" />
    ${n&&s`<${ke} p=${n==="new"?null:n} onClose=${b} />`}
    ${d&&s`<${C} title="Remove ${d.username}?" verb="Remove" act=${()=>I.remove(d.username)} onClose=${b} testid="person-remove">
      <p>They are signed out everywhere at once. What they did stays in the audit.</p><//>`}
  </section>`}function ke({p:e,onClose:t}){let[a,o]=r(e?.username??""),[n,i]=r(e?.role??"viewer"),[d,p]=r(e?.cameras),[l,b]=r(""),[y,c]=r(e?.disabled??!1),[h,O]=r(!0),{busy:u,error:D,go:x}=v(),S=()=>{if(!e)return I.add({username:a.trim(),role:n,password:l,...d&&{cameras:d}});let k={};return n!==e.role&&(k.role=n),JSON.stringify(d)!==JSON.stringify(e.cameras)&&(k.cameras=d??null),y!==e.disabled&&(k.disabled=y),l&&(k.password=l),h||(k.totp=!1),Object.keys(k).length?I.change(e.username,k):Promise.resolve()},M=async k=>{k.preventDefault(),await x(S)&&t()};return s`<${P} title=${e?e.username:"Add somebody"} onClose=${t} testid="person-dialog"><form class="ask" onSubmit=${M}>
    ${!e&&s`<${$} id="person-name" label="User name" value=${a} onInput=${o} testid="person-name" />`}
    <${ce} roles=${ve} value=${n} onChange=${i} />
    ${n!=="admin"&&s`<${de} value=${d} onChange=${p} />`}
    <${$} id="person-pass" label=${e?"New password":"Password"} required=${e?!1:void 0} type="password" value=${l} onInput=${b} autocomplete="new-password" testid="person-pass" hint="At least 8 characters." />
    ${e&&s`<${A} id="person-off" label="Switched off" hint="Cannot sign in, and is signed out everywhere." checked=${y} onChange=${c} testid="person-off" />`}
    ${e?.totp&&s`<${A} id="person-second" label="Second factor" hint="Switch it off for somebody who lost their app." checked=${h} onChange=${O} />`}
    ${e&&s`<p class="muted small">A change of role, cameras or password signs them out everywhere.</p>`}
    <${w} error=${D} />
    <div class="dialog-foot"><button type="button" class="button" onClick=${t}>Leave it</button>
      <button type="submit" class="button primary" disabled=${u||!e&&(!a.trim()||[...l].length<8)} data-testid="person-save">Save</button></div>
  </form><//>`}function pe(){let[e,t]=r([]),[a,o]=r(!1),[n,i]=r(null),d=()=>G.list().then(t,l=>f("error",l.message));T(()=>{d()},[]);let p=()=>[o(!1),i(null),void d()];return s`<section class="card span2" aria-labelledby="keys-h"><h2 id="keys-h">Keys of machines</h2>
    ${e.length>0&&s`<div class="table-box"><table class="table stackable" data-testid="keys">
      <thead><tr><th scope="col">Name</th><th scope="col">Role</th><th scope="col">Sees</th><th scope="col">Last used</th><th scope="col">Until</th><th scope="col"><span class="sr">What may be done</span></th></tr></thead>
      <tbody>${e.map(l=>s`<tr key=${l.id}><th scope="row">${l.name} <small class="muted mono">${l.id}</small></th><td data-label="Role">${l.role}</td><td data-label="Sees">${z(l.cameras,le)}</td>
        <td data-label="Last used">${l.last_used?U(F.value-Date.parse(l.last_used)):"never"}</td>
        <td data-label="Until">${l.expired?s`<span class="tag tag-bad">expired</span>`:l.expires_at?_(Date.parse(l.expires_at),W.value):"it is revoked"}</td>
        <td class="actions"><button type="button" class="button small" disabled=${g.value} onClick=${()=>i(l)} data-testid="key-remove-${l.name}">Revoke…</button></td></tr>`)}</tbody>
    </table></div>`}
    <p><button type="button" class="button" disabled=${g.value} onClick=${()=>o(!0)} data-testid="key-add">Make a key…</button></p>
    ${a&&s`<${Ce} onClose=${p} />`}
    ${n&&s`<${C} title="Revoke ${n.name}?" verb="Revoke" act=${()=>G.remove(n.id)} onClose=${p} testid="key-revoke"><p>Whatever uses it stops working at once.</p><//>`}
  </section>`}function Ce({onClose:e}){let[t,a]=r(""),[o,n]=r("worker"),[i,d]=r(void 0),[p,l]=r(""),[b,y]=r(""),{busy:c,error:h,go:O}=v(),u=async x=>{x.preventDefault(),await O(async()=>{let S=await G.add({name:t.trim(),role:o,...i&&{cameras:i},...p&&{expires_at:new Date(`${p}T00:00`).toISOString()}});y(S.key)})},D=()=>navigator.clipboard?.writeText(b).then(()=>f("good","Copied."),()=>f("error","This browser does not let the panel copy."));return b?s`<${P} title="The key" onClose=${e} testid="key-made"><p>It is shown this once. Give it to the machine, and to nobody else.</p>
    <p class="mono wrap" data-testid="key-secret">${b}</p>
    <div class="dialog-foot"><button type="button" class="button" onClick=${D}>Copy</button><button type="button" class="button primary" onClick=${e} data-testid="key-done">I have it</button></div><//>`:s`<${P} title="Make a key" onClose=${e} testid="key-dialog"><form class="ask" onSubmit=${u}>
    <${$} id="key-name" label="Name" value=${t} onInput=${a} placeholder="What it is for" testid="key-name" />
    <${ce} roles=${we} value=${o} onChange=${n} />
    <${de} value=${i} onChange=${d} />
    <${$} id="key-until" label="Until" required=${!1} type="date" value=${p} onInput=${l} />
    <${w} error=${h} />
    <div class="dialog-foot"><button type="button" class="button" onClick=${e}>Leave it</button><button type="submit" class="button primary" disabled=${c||!t.trim()} data-testid="key-save">Make it</button></div>
  </form><//>`}function me(){let[e,t]=r(""),[a,o]=r([]),n=R.value?.totp===!0,i=async()=>{t(""),R.value=await Z.me()};return s`<section class="card" aria-labelledby="second-h"><h2 id="second-h">Second factor</h2>
    <p data-testid="second-state" data-on=${n}>${n?"On: signing in takes a code of your app as well.":"Off: your password alone lets you in."}</p>
    <p class="actions">${n?s`<button type="button" class="button" disabled=${g.value} onClick=${()=>t("recovery")}>New recovery codes…</button>
          <button type="button" class="button" disabled=${g.value} onClick=${()=>t("remove")} data-testid="second-remove">Switch off…</button>`:s`<button type="button" class="button" disabled=${g.value} onClick=${()=>t("add")} data-testid="second-add">Set up…</button>`}</p>
    ${e==="add"&&s`<${xe} onClose=${i} onCodes=${o} />`}
    ${e==="remove"&&s`<${Se} onClose=${i} />`}
    ${e==="recovery"&&s`<${Te} onClose=${i} onCodes=${o} />`}
    ${a.length>0&&s`<${Re} codes=${a} onClose=${()=>o([])} />`}
  </section>`}var Y=(e,t)=>s`<${$} id="second-pass" label="Your password" type="password" value=${e} onInput=${t} autocomplete="current-password" testid="second-pass" />`;function xe({onClose:e,onCodes:t}){let[a,o]=r(""),[n,i]=r(""),[d,p]=r(null),{busy:l,error:b,go:y}=v(),c=async O=>{O.preventDefault(),await y(async()=>{if(!d)return p(await E.begin(a));t(await E.confirm(n.trim())),e()})},h=d?d.qr.length+8:0;return s`<${P} title="Set up a second factor" onClose=${e} testid="second-dialog"><form class="ask" onSubmit=${c}>
    ${d?s`
      <p>Scan this with an authenticator app, then type the code it shows.</p>
      <svg class="qr" viewBox="-4 -4 ${h} ${h}" role="img" aria-label="QR code of the secret below" data-testid="second-qr"><rect x="-4" y="-4" width=${h} height=${h} fill="#fff" /><path d=${ne(d.qr)} fill="#000" /></svg>
      <p class="small">Or type the secret: <b class="mono" data-testid="second-secret">${d.secret}</b></p>
      <${$} id="second-code" label="Code" value=${n} onInput=${i} mono autocomplete="one-time-code" testid="second-code" />`:Y(a,o)}
    <${w} error=${b} />
    <div class="dialog-foot"><button type="button" class="button" onClick=${e}>Leave it</button>
      <button type="submit" class="button primary" disabled=${l||(d?!n.trim():!a)} data-testid="second-next">${d?"Switch on":"Next"}</button></div>
  </form><//>`}function Se({onClose:e}){let[t,a]=r(""),[o,n]=r("");return s`<${C} title="Switch the second factor off?" verb="Switch off" ready=${!!t&&!!o.trim()} act=${()=>E.remove(t,o.trim())} onClose=${e} testid="second-off">
    ${Y(t,a)}
    <${$} id="second-code" label="Code of your app, or a recovery code" value=${o} onInput=${n} mono autocomplete="one-time-code" testid="second-code" /><//>`}function Te({onClose:e,onCodes:t}){let[a,o]=r("");return s`<${C} title="Make new recovery codes?" verb="Make them" danger=${!1} ready=${!!a} act=${async()=>t(await E.recovery(a))} onClose=${e} testid="second-renew">
    <p>The codes you have now are worth nothing after that.</p>${Y(a,o)}<//>`}function Re({codes:e,onClose:t}){let a=()=>navigator.clipboard?.writeText(e.join(`
`)).then(()=>f("good","Copied."),()=>f("error","This browser does not let the panel copy."));return s`<${P} title="Recovery codes" onClose=${t} testid="recovery-dialog">
    <p>Each lets you in once when your app is not at hand. They are shown this once: print them, or keep them where you keep passwords.</p>
    <ul class="codes mono" data-testid="recovery-codes">${e.map(o=>s`<li key=${o}>${o}</li>`)}</ul>
    <div class="dialog-foot"><button type="button" class="button" onClick=${a}>Copy</button><button type="button" class="button" onClick=${()=>print()}>Print</button>
      <button type="button" class="button primary" onClick=${t} data-testid="recovery-done">I have them</button></div><//>`}var Pe={off:"Not encrypted",own:"By this box",given:"Given by you",acme:"Fetched by itself"};function be(){let[e,t]=r(null),[a,o]=r(!1),n=()=>L.certificate().then(t,()=>t(null));return T(()=>{n()},[]),e?s`<section class="card" aria-labelledby="tls-h"><h2 id="tls-h">Certificate</h2>
    ${e.mode==="off"?s`<p>This panel is not encrypted. Its configuration turns that on (<span class="mono">tls.mode</span>).</p>`:s`
      <dl class="facts" data-testid="certificate"><div><dt>From</dt><dd>${Pe[e.mode]}</dd></div><div><dt>Words</dt><dd><b>${e.words}</b></dd></div>
        <div><dt>Names</dt><dd>${e.names.join(", ")}</dd></div>${e.not_after&&s`<div><dt>Until</dt><dd>${_(Date.parse(e.not_after),W.value)}</dd></div>`}</dl>
      ${e.problem&&s`<p class="bad"><${K} name="warn" size=${16} /> ${e.problem}</p>`}
      ${e.acme?.error&&s`<p class="bad"><${K} name="warn" size=${16} /> ${e.acme.error}</p>`}
      <details><summary>Fingerprints</summary><p class="mono small wrap">${e.fingerprint}</p><p class="small">Of the authority:</p><p class="mono small wrap">${e.ca_fingerprint}</p></details>
      ${!e.publicly_trusted&&s`<p class="muted small">Browsers warn of it until they know this box's authority. Download it, open it on each device, and have it trusted for web sites.</p>`}
      <p class="actions"><a class="button" href="/vedette-ca.crt" download>Authority</a> <button type="button" class="button" disabled=${g.value} onClick=${()=>o(!0)} data-testid="certificate-edit">Change…</button></p>`}
    ${a&&s`<${Ee} c=${e} onClose=${()=>{o(!1),n()}} />`}
  </section>`:null}function Ee({c:e,onClose:t}){let[a,o]=r(e.mode),[n,i]=r(""),[d,p]=r(""),[l,b]=r(e.acme?.domain??""),[y,c]=r(e.acme?.email??""),{busy:h,error:O,go:u}=v(),D=async S=>{S.preventDefault();let M={mode:a,...a==="given"&&{certificate:n,key:d},...a==="acme"&&{acme:{domain:l,email:y,challenge:"http-01"}}};await u(()=>L.setCertificate(M))&&(f("good","The certificate is set."),t())},x=(S,M,k,fe)=>s`<label class="field" for=${S}>${M}
    <textarea id=${S} class="mono" rows="5" value=${k} onInput=${ye=>fe(ye.target.value)} placeholder="-----BEGIN …" spellcheck=${!1} autocomplete="off"></textarea></label>`;return s`<${P} title="Certificate" onClose=${t} testid="certificate-dialog"><form class="ask" onSubmit=${D}>
    <${te} label="From" value=${a} onPick=${o} options=${[{value:"own",label:"This box"},{value:"given",label:"Yours"},{value:"acme",label:"Let's Encrypt"}]} />
    ${a==="given"&&[x("tls-cert","Certificate and those that lead to its authority",n,i),x("tls-key","Key",d,p)]}
    ${a==="acme"&&s`<${$} id="tls-domain" label="Domain" value=${l} onInput=${b} placeholder="nvr.example.org" hint="It has to lead to this box, on port 80 from the internet." />
      <${$} id="tls-email" label="E-mail" required=${!1} value=${y} onInput=${c} />`}
    <${w} error=${O} />
    <div class="dialog-foot"><button type="button" class="button" onClick=${t}>Leave it</button><button type="submit" class="button primary" disabled=${h} data-testid="certificate-save">Use it</button></div>
  </form><//>`}function $e(){let[e,t]=r(""),[a,o]=r(null),[n,i]=r(!1),{busy:d,error:p,go:l}=v();return s`<section class="card" aria-labelledby="backup-h"><h2 id="backup-h">Backup</h2>
    <p class="muted small">Users, cameras, kept footage's marks, settings and keys; no footage. It opens with the passphrase alone.</p>
    <form onSubmit=${y=>{y.preventDefault(),l(async()=>{let c=URL.createObjectURL(await L.backup(e)),h=document.createElement("a");h.href=c,h.download=`vedette-backup-${new Date().toISOString().slice(0,10)}.age`,h.click(),URL.revokeObjectURL(c),t("")})}}><${$} id="backup-pass" label="Passphrase" type="password" value=${e} onInput=${t} autocomplete="new-password" testid="backup-pass" hint="At least 8 characters. Nobody can find it out for you." />
      <${w} error=${p} />
      <p class="actions"><button type="submit" class="button" disabled=${d||g.value||[...e].length<8} data-testid="backup-make">Download a backup</button>
        <button type="button" class="button" disabled=${g.value} onClick=${()=>i(!0)} data-testid="backup-restore">Restore…</button></p></form>
    ${n&&s`<${Oe} file=${a} onFile=${o} onClose=${()=>i(!1)} />`}
  </section>`}function Oe({file:e,onFile:t,onClose:a}){let[o,n]=r(""),[i,d]=r("");return s`<${C} title="Restore a backup?" verb="Restore" waits="Restoring…" ready=${!!e&&!!o&&i==="restore"} act=${async()=>{await L.restore(e,o),f("info","The recorder begins anew with the backup. Sign in with an account of it.")}} onClose=${a} testid="restore">
    <p>Users, cameras and settings of this box are replaced. Footage stays. Everybody is signed out.</p>
    <label class="field">File <input type="file" accept=".age" onChange=${l=>t(l.target.files?.[0]??null)} data-testid="restore-file" /></label>
    <${$} id="restore-pass" label="Passphrase" type="password" value=${o} onInput=${n} testid="restore-pass" />
    <${se} phrase="restore" typed=${i} onType=${d} testid="restore-phrase">to say that you mean it<//><//>`}function he(){let[e,t]=r(null),[a,o]=r(""),{busy:n,error:i,go:d}=v(),p=b=>[t(b),o(b.allow.join(", "))];return T(()=>{L.outgoing().then(p,()=>{})},[]),e?s`<section class="card" aria-labelledby="outgoing-h"><h2 id="outgoing-h">Where the recorder connects to</h2>
    <form onSubmit=${b=>{b.preventDefault(),d(async()=>{p(await L.setOutgoing({...e,allow:a.split(/[\s,]+/).filter(Boolean)})),f("good","It holds for every connection from now on.")})}}>
      <${A} id="cameras-public" label="Cameras on the internet" hint="Without it cameras have to be in your own network." checked=${e.cameras_public} onChange=${b=>t({...e,cameras_public:b})} testid="cameras-public" />
      <${$} id="allow" label="Networks that are let through all the same" required=${!1} value=${a} onInput=${o} mono placeholder="10.1.0.0/16" testid="outgoing-allow" />
      <${w} error=${i} />
      <p class="actions"><button type="submit" class="button" disabled=${n||g.value} data-testid="outgoing-save">Save</button></p>
    </form></section>`:null}function ge(){let[e,t]=r(!1);return s`<section class="card" aria-labelledby="secrets-h"><h2 id="secrets-h">Secrets</h2>
    <p class="muted small">Passwords of cameras and other secrets are sealed under a key of this box. Who takes the whole card has the key too.</p>
    <p><button type="button" class="button" disabled=${g.value} onClick=${()=>t(!0)} data-testid="rotate">Make a new key…</button></p>
    ${e&&s`<${C} title="Make a new key?" verb="Make it" danger=${!1} act=${async()=>f("good",`${await L.rotate()} secrets are sealed anew.`)} onClose=${()=>t(!1)} testid="rotate">
      <p>Every secret is sealed anew. Recording goes on, and nobody notices.</p><//>`}
  </section>`}function Tt(){let e=R.value?.role==="admin";return s`<main id="main" class="screen status">
    <header class="screen-head"><h1 tabIndex=${-1}>Settings</h1><p class="muted">${R.value?.username} · ${R.value?.role}</p></header>
    <div class="status-grid">
      <${De} />
      <${me} />
      <${Le} />
      ${e&&s`<${ue} /><${pe} /><${be} /><${$e} /><${ge} /><${he} /><${ie} />`}
    </div>
  </main>`}function De(){let[e,t]=r(""),[a,o]=r(""),{busy:n,error:i,go:d}=v();return s`<section class="card" aria-labelledby="password-h"><h2 id="password-h">Password</h2>
    <form onSubmit=${async l=>{l.preventDefault(),await d(()=>E.password(e,a))&&(t(""),o(""),f("good","The password is changed. Every other session of yours has ended."))}}>
      <${$} id="current" label="Present password" type="password" value=${e} onInput=${t} autocomplete="current-password" testid="password-current" />
      <${$} id="next" label="New password" type="password" value=${a} onInput=${o} autocomplete="new-password" testid="password-next" hint="At least 8 characters. A few words you can remember are best." />
      <${w} error=${i} />
      <button type="submit" class="button" disabled=${n||g.value||!e||[...a].length<8} data-testid="password-save">Change password</button>
    </form></section>`}function J({list:e,onEnd:t,named:a=!1,testid:o}){let n=i=>U(F.value-Date.parse(i));return s`<div class="table-box"><table class="table stackable" data-testid=${o}>
    <thead><tr>${a&&s`<th scope="col">Who</th>`}<th scope="col">Where</th><th scope="col">Address</th><th scope="col">Last active</th><th scope="col"><span class="sr">What may be done</span></th></tr></thead>
    <tbody>${e.map(i=>s`<tr key=${i.id}>
      ${a&&s`<th scope="row">${i.username}</th>`}
      <td data-label="Where">${H(i.agent)}</td><td data-label="Address" class="mono">${i.address}</td><td data-label="Last active">${n(i.seen)}</td>
      <td class="actions">${i.current?s`<span class="muted">this one</span>`:s`<button type="button" class="button small" disabled=${g.value} onClick=${()=>t(i)}>Sign out</button>`}</td></tr>`)}</tbody>
  </table></div>`}function Le(){let[e,t]=r([]),[a,o]=r(null),n=()=>E.sessions().then(t,()=>{});return T(()=>{n()},[]),s`<section class="card span2" aria-labelledby="sessions-h"><h2 id="sessions-h">Where you are signed in</h2>
    <${J} list=${e} onEnd=${o} testid="own-sessions" />
    ${a&&s`<${C} title="Sign out there?" verb="Sign out" act=${()=>E.end(a.id)} onClose=${()=>{o(null),n()}} testid="end-session">
      <p>${H(a.agent)} at ${a.address} is signed out at once, and its pictures end.</p><//>`}
  </section>`}export{J as SessionTable,Tt as SettingsScreen};
