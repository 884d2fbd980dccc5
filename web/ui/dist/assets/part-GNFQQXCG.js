import{a as ye}from"./part-IQAWRL5U.js";import{b as ke}from"./part-U5TLR2BB.js";import{A as fe,a as q,d as pe,e as V,f as G,g as se,i as Z,m as D,t as P,u as b,v as ae,w as $e,x,y as E}from"./part-HSAFNMFF.js";import{A as v,D as be,E as ge,J as oe,b as a,c as $,d as C,e as A,l as me,m as y,n as B,p as _,s as U,t as te,u as I,v as he,w,y as k}from"./part-K4XTX4UC.js";var ve=[{state:"recording",status:"solid",fault:"off",means:"Everything is in order"},{state:"starting",status:"blink",fault:"off",means:"It starts, or waits for its cameras"},{state:"updating",status:"fast",fault:"off",means:"An update is being installed: leave the power on"},{state:"degraded",status:"pulse",fault:"blink",means:"It records, but something needs a look: the panel says what"},{state:"fault",status:"fast",fault:"solid",means:"Nothing is recorded, or the disk fails: look at once"},{state:"stopped",status:"off",fault:"off",means:"It stopped cleanly: the disks are safe to unplug"}],Q={solid:"on",off:"off",blink:"blinking",fast:"blinking fast",pulse:"flashing"},O=[{ms:1e4,name:"Hold 10 s",does:"Shows the claim code on the console while the box has no owner"},{ms:3e3,name:"Hold 3 s",does:"Stops cleanly and makes the disk safe to unplug"},{ms:0,name:"Press",does:"Keeps the last 5 minutes of every camera"}];var Oe=["red","green","blue","amber","yellow","white","orange"],ne=e=>O.find(t=>e>=t.ms)??O[O.length-1];function _e(){let e=y.value.board;return a`<section class="card board" aria-labelledby="board-h"><h2 id="board-h">Board</h2>
    <div class="board-face">
      ${(e.leds??[]).length>0&&a`<ul class="leds">${(e.leds??[]).map(t=>a`<${ze} key=${t.name} l=${t} />`)}</ul>`}
      <${He} />
      <${Ke} />
      ${(e.buttons??[]).map(t=>e.board==="sim"?a`<${We} key=${t.name} b=${t} />`:a`<${Ae} key=${t.name} b=${t} />`)}
      ${e.board==="generic"&&a`<p class="muted small" data-testid="board-unknown">This machine is no board that is known here. It records all the same; lights and a button can be named in its configuration.</p>`}
      ${(e.leds??[]).length>0&&a`<${Ve} />`}
      ${!e.leds?.length&&!e.buttons?.length&&a`<p class="muted">This board reports no lights and no buttons.</p>`}
    </div>
  </section>`}var xe=()=>a`<dl class="press-does">${[...O].reverse().map(e=>a`<div key=${e.ms}><dt>${e.name}</dt><dd>${e.does}</dd></div>`)}</dl>`;function Ae({b:e}){return a`<div class="press-ways"><p class="press-says"><b>${e.label||e.name}</b></p><${xe} /></div>`}var Ve=()=>a`<details class="lights-mean" data-testid="lights-mean"><summary>What the lights say</summary>
  <div class="table-box"><table class="table"><thead><tr><th scope="col">Status</th><th scope="col">Fault</th><th scope="col">Means</th></tr></thead>
    <tbody>${ve.map(e=>a`<tr key=${e.state}><td>${Q[e.status]}</td><td>${Q[e.fault]}</td><td>${e.means}</td></tr>`)}</tbody></table></div></details>`;function ze({l:e}){let t=Oe.includes((e.color??"").toLowerCase())?e.color.toLowerCase():"white",s=e.on===!1&&e.pattern==="solid"?"off":e.pattern;return a`<li class="led" data-testid="led-${e.name}" data-pattern=${s}>
    <span class="led-lens led-${t} led-p-${s}" aria-hidden="true"></span>
    <span><b>${e.label||e.name}</b><small>${Q[s]??s}</small></span>
  </li>`}function Ke(){let e=y.value.board.temperatures??[];return e.length===0?null:a`<p class="muted small" data-testid="temperatures">${e.map(t=>`${t.name} ${t.celsius} °C`).join(" · ")}</p>`}function He(){let e=y.value.board.watchdog;if(!e)return null;let t=Math.max(0,e.left_s-(w.value?0:(U.value-y.value.boardAt)/1e3)),s=e.timeout_s>0?Math.min(1,t/e.timeout_s):0,o=2*Math.PI*17;return a`<div class="dog" data-testid="watchdog">
    <svg width="44" height="44" viewBox="0 0 44 44" aria-hidden="true"><circle class="dog-track" cx="22" cy="22" r="17" /><circle class="dog-left ${s<.34?"is-low":""}" cx="22" cy="22" r="17"
      stroke-dasharray=${o} stroke-dashoffset=${o*(1-s)} /></svg>
    <span><b>Watchdog</b><small>${Math.ceil(t)} s of ${e.timeout_s} s left${e.resets!==void 0?`, ${e.resets} ${e.resets===1?"reset":"resets"}`:""}</small>
      ${e.hung&&e.hung.length>0&&a`<small data-testid="watchdog-hung">It restarted the machine${e.hung_at?` at ${D(Date.parse(e.hung_at),_.value)}`:""}: ${e.hung.map(n=>`${n.check}: ${n.reason}`).join("; ")}</small>`}</span>
  </div>`}function we(e,t){if(!ye.send("board.press",{button:e.name,ms:Math.round(t)})){k("error","Not connected: the button was not pressed.");return}k("info",`${e.label||e.name}: ${ne(t).name.toLowerCase()}. ${ne(t).does}.`)}function We({b:e}){let[t,s]=$(null),o=A(0),n=A(0);C(()=>()=>clearInterval(n.current),[]);let d=()=>{o.current||w.value||(o.current=performance.now(),s(0),n.current=window.setInterval(()=>s(performance.now()-o.current),50))},l=m=>{if(!o.current)return;let R=performance.now()-o.current;o.current=0,clearInterval(n.current),s(null),m&&we(e,Math.max(100,R))},u=m=>{m.key!==" "&&m.key!=="Enter"||(m.preventDefault(),m.type==="keydown"&&!m.repeat&&d(),m.type==="keyup"&&l(!0))},p=m=>{m.button===0&&(m.currentTarget.setPointerCapture(m.pointerId),d())},h=2*Math.PI*34;return a`<div class="press">
    <button type="button" class="press-cap ${t!==null?"is-down":""}" disabled=${w.value} data-testid="board-button-${e.name}"
      aria-label="${e.label||e.name}: press, or hold 3 or 10 seconds" onKeyDown=${u} onKeyUp=${u} onBlur=${()=>l(!1)}
      onPointerDown=${p} onPointerUp=${()=>l(!0)} onPointerCancel=${()=>l(!1)} onContextMenu=${m=>m.preventDefault()}>
      <svg viewBox="0 0 76 76" aria-hidden="true"><circle class="press-track" cx="38" cy="38" r="34" /><circle class="press-held" cx="38" cy="38" r="34"
        stroke-dasharray=${h} stroke-dashoffset=${h*(1-Math.min(1,(t??0)/1e4))} /></svg>
      <span>${t===null?e.label||e.name:`${(t/1e3).toFixed(1)} s`}</span>
    </button>
    <div class="press-ways">
      <p class="press-says" role="status">${t===null?"Press and hold as on the box, or choose:":`Let go: ${ne(t).does.toLowerCase()}`}</p>
      <div class="press-row">${[...O].reverse().map(m=>a`<button type="button" key=${m.ms} class="button small" disabled=${w.value} title=${m.does}
        onClick=${()=>we(e,m.ms||100)} data-testid="board-${e.name}-${m.ms}">${m.name}</button>`)}</div>
      <${xe} />
    </div>
  </div>`}function Te(e){let t=e.parts.filter(s=>s.fs);return t.length===0?"nothing that is known":t.map(s=>s.label?`${s.label} (${s.fs})`:s.fs).join(", ")}var Ue=e=>!e.busy&&!e.working&&e.parts.some(t=>t.fs==="ext4"&&!t.mount),qe=e=>e.volumes.filter(t=>!e.disks.some(s=>s.volume===t&&s.parts.some(o=>o.mount))),Ge=()=>y.value.events.find(e=>e.type.startsWith("disk_")||e.type.startsWith("volume_"))?.seq;function Re(){let[e,t]=$(null),[s,o]=$(null),[n,d]=$(""),l=B.value?.role==="admin",u=Ge(),p=()=>V.list().then(t).catch(()=>t(null));if(C(()=>{l&&p()},[l,u]),!l||!e||e.volumes.length===0)return null;let h=qe(e),m=async(c,f)=>{try{await V.use(c.name,f),k("good",`The disk is used for ${f} now.`)}catch(F){k("error",F.message)}p()},R=c=>c.working?a`<span class="muted">Being prepared…</span>`:c.volume&&c.parts.some(f=>f.mount)?a`<button type="button" class="button" disabled=${w.value} onClick=${()=>d(c.volume??"")} data-testid="disk-remove-${c.name}">Remove safely</button>`:c.busy?a`<span class="muted small">${c.busy}</span>`:a`${Ue(c)&&h.map(f=>a`<button type="button" class="button" key=${f} disabled=${w.value} onClick=${()=>m(c,f)} data-testid="disk-use-${c.name}">Use for ${f}</button> `)}
      ${h.length>0&&a`<button type="button" class="button" disabled=${w.value} onClick=${()=>o(c)} data-testid="disk-prepare-${c.name}">Erase and prepare…</button>`}`;return a`<section class="card span2" aria-labelledby="machine-disks-h"><h2 id="machine-disks-h">Disks of this machine</h2>
    ${h.length>0&&a`<p class="muted small">${h.length===1?`${h[0]} has no disk`:`${h.join(", ")} have no disk`}: plug one in, and choose it here. Nothing is erased that you do not name.</p>`}
    <div class="table-box"><table class="table stackable" data-testid="machine-disks">
      <thead><tr><th scope="col">Disk</th><th scope="col">Size</th><th scope="col">On it</th><th scope="col">Used for</th><th scope="col"><span class="sr">What may be done</span></th></tr></thead>
      <tbody>${e.disks.map(c=>a`<tr key=${c.name} data-testid="machine-disk-${c.name}">
        <th scope="row">${c.model||c.name} <small class="muted">${[c.model?c.name:"",c.serial].filter(Boolean).join(", ")}</small></th>
        <td data-label="Size">${b(c.bytes)}</td><td data-label="On it">${Te(c)}</td><td data-label="Used for">${c.volume??"–"}</td>
        <td class="actions">${R(c)}</td></tr>`)}</tbody>
    </table></div>
    ${s&&a`<${Ze} d=${s} free=${h} onClose=${()=>{o(null),p()}} />`}
    ${n&&a`<${Qe} volume=${n} onClose=${()=>{d(""),p()}} />`}
  </section>`}function Ze({d:e,free:t,onClose:s}){let[o,n]=$(t[0]??""),[d,l]=$(""),[u,p]=$(!1),[h,m]=$(""),R=async c=>{c.preventDefault(),p(!0),m("");try{await V.prepare(e.name,o,d),k("info","The disk is being prepared; it is used as soon as it is ready."),s()}catch(f){m(f.message),p(!1)}};return a`<${oe} title="Erase ${e.model||e.name}?" onClose=${s} testid="erase-dialog">
    <form onSubmit=${R}>
      <p>Everything on this disk of ${b(e.bytes)} will be gone: ${Te(e)}.</p>
      ${t.length>1&&a`<label class="field">For <select value=${o} onChange=${c=>n(c.target.value)}>${t.map(c=>a`<option key=${c}>${c}</option>`)}</select></label>`}
      <label class="field">Type <b class="mono">${e.phrase}</b> to say that this is the one
        <input value=${d} onInput=${c=>l(c.target.value)} autocomplete="off" autocapitalize="off" spellcheck=${!1} data-testid="erase-phrase" /></label>
      <div role="alert">${h&&a`<p class="form-error"><${v} name="warn" />${h}</p>`}</div>
      <div class="dialog-foot">
        <button type="button" class="button" onClick=${s}>Leave it as it is</button>
        <button type="submit" class="button danger" disabled=${u||d!==e.phrase} data-testid="erase-confirm">${u?"Asking…":"Erase and prepare"}</button>
      </div>
    </form>
  <//>`}function Qe({volume:e,onClose:t}){let[s,o]=$(!1),[n,d]=$(""),l=async()=>{o(!0),d("");try{await V.remove(e),k("good",`The disk of ${e} may be unplugged now.`),t()}catch(u){d(u.message),o(!1)}};return a`<${oe} title="Remove the disk of ${e}?" onClose=${t} testid="remove-disk-dialog">
    <p>What is being recorded to it is written to its end first. Its cameras go on on another disk, if there is one; its footage is shown again when it is plugged in again.</p>
    <div role="alert">${n&&a`<p class="form-error"><${v} name="warn" />${n}</p>`}</div>
    <div class="dialog-foot">
      <button type="button" class="button" onClick=${t}>Keep it</button>
      <button type="button" class="button danger" onClick=${l} disabled=${s} data-testid="remove-disk-confirm">${s?"Wait…":"Remove safely"}</button>
    </div>
  <//>`}var H=[{key:"floor_bytes",label:"Floor"},{key:"high_bytes",label:"High mark"},{key:"reserve_bytes",label:"Reserve"},{key:"cap_bytes",label:"Cap"}],J=[{key:"age_hours",label:"Deleted after"},{key:"quota_bytes",label:"Quota"},{key:"keep_hours",label:"Kept at least"}],z=1e9,De=e=>String(Math.round(e*1e3)/1e3),re=e=>e.endsWith("_bytes")?"GB":"days";function K(e,t){return t==null?"":e.endsWith("_bytes")?t<z?`${De(t/1e6)} MB`:De(t/z):t%24===0?String(t/24):`${t} h`}function Je(e,t){let s=t.trim().toLowerCase().replace(",",".");if(s==="")return null;let o=/^(\d+(?:\.\d+)?)\s*([a-z]*)$/.exec(s);if(!o)return NaN;let n=Number(o[1]);if(e.endsWith("_bytes"))return Math.round(n*({"":z,gb:z,mb:1e6,tb:1e12}[o[2]]??NaN));let d=n*({"":24,d:24,day:24,days:24,h:1,hour:1,hours:1}[o[2]]??NaN);return Math.abs(d-Math.round(d))<1e-6?Math.round(d):NaN}function X(e){let t={};for(let[s,o]of Object.entries(e.volumes??{}))for(let n of H)t[`volumes.${s}.${n.key}`]=K(n.key,o[n.key]);for(let[s,o]of Object.entries(e.cameras??{}))for(let n of J)t[`cameras.${s}.${n.key}`]=K(n.key,o[n.key]);return t}function Me(e,t){let s={},o=(d,l,u)=>{let p=e[`${d}.${l}`]??"";if(p===K(l,u))return u??null;let h=Je(l,p);return Number.isNaN(h)&&(s[`${d}.${l}`]=l.endsWith("_bytes")?"A number of GB, or with MB or TB.":"A number of days, or of whole hours with h."),h},n={volumes:{},cameras:{}};for(let[d,l]of Object.entries(t.volumes??{}))n.volumes[d]=Object.fromEntries(H.map(u=>[u.key,o(`volumes.${d}`,u.key,l[u.key])]));for(let[d,l]of Object.entries(t.cameras??{}))n.cameras[d]=Object.fromEntries(J.map(u=>[u.key,o(`cameras.${d}`,u.key,l[u.key])]));return{set:n,errors:s}}function Ce(e,t){let s=Object.keys(X(e)),o=n=>n.slice(0,n.lastIndexOf("."));return s.some(n=>n===t||o(n)===t)?t:""}function Ee(e,t,s){let o=e.in_force?.[t]?.[s];return o?o<z?K(s,o):`${K(s,o)} GB`:s==="cap_bytes"?"none":"by the disk"}var Xe={free_floor:"for free space",age:"by age",quota:"by quota",size_cap:"for the cap"};function Ne(){let[e,t]=$(null),[s,o]=$({}),[n,d]=$({}),[l,u]=$(null),[p,h]=$(!1),m=B.value?.role==="admin";if(C(()=>{m&&G.get().then(i=>{t(i),o(X(i))}).catch(()=>t(null))},[m]),!m||!e)return null;let R=Object.keys(e.volumes??{}),c=Object.keys(e.cameras??{}),f=async i=>{let{set:g,errors:M}=Me(s,e);if(d(M),u(null),Object.keys(M).length>0)return Se(Object.keys(M)[0]);h(!0);try{if(!i)return u(await G.preview(g));let S=await G.set(g);t(S),o(X(S)),k("good","Applied: it is in force now.")}catch(S){let N=S instanceof q?S:null,ee=N?.field?Ce(e,N.field):"";N&&ee?(d({[ee]:N.message}),Se(ee)):k("error",N?.message??"It could not be applied.")}finally{h(!1)}},F=i=>n[i]&&a`<p class="field-error" role="alert" id="${i}-error"><${v} name="warn" size=${14} />${n[i]}</p>`,le=i=>n[i]?`${i}-error`:void 0,de=(i,g,M,S)=>a`<td data-label="${g}, ${re(i)}" class=${n[i]?"field-bad":""}>
    <input id=${i} value=${s[i]??""} placeholder=${S} aria-label="${g} of ${M}, in ${re(i)}" aria-invalid=${n[i]?"true":void 0}
      aria-describedby=${le(i)} data-testid=${i} autocomplete="off"
      onInput=${N=>{o({...s,[i]:N.target.value}),u(null)}} />
    ${F(i)}</td>`,ce=i=>I.value.find(g=>g.id===i),Y=i=>ce(i)?.name??i,ue=(i,g,M)=>a`<th scope="row" id=${i} tabIndex=${-1} aria-describedby=${le(i)}>${g}${M&&a` <small class="muted">${M}</small>`}
    ${F(i)}</th>`;return a`<section class="card span2 retention" aria-labelledby="retention-h"><h2 id="retention-h">How long footage is kept</h2>
    <p class="muted small">Disks fill up, and then the oldest footage goes. An empty field means the default. Kept footage is never deleted.</p>
    <form onSubmit=${i=>{i.preventDefault(),f(!0)}} data-testid="retention">
      <div class="table-box"><table class="table stackable">
        <thead><tr><th scope="col">Disk</th>${H.map(i=>a`<th scope="col" key=${i.key}>${i.label} <small>GB</small></th>`)}</tr></thead>
        <tbody>${R.map(i=>a`<tr key=${i}>${ue(`volumes.${i}`,i,e.in_force?.[i]?"":"not there")}
          ${H.map(g=>de(`volumes.${i}.${g.key}`,g.label,i,Ee(e,i,g.key)))}</tr>`)}</tbody>
      </table></div>
      ${c.length>0&&a`<div class="table-box"><table class="table stackable">
        <thead><tr><th scope="col">Camera</th><th scope="col">Deleted after <small>days</small></th><th scope="col">Quota <small>GB</small></th><th scope="col">Kept at least <small>days</small></th></tr></thead>
        <tbody>${c.map(i=>a`<tr key=${i}>${ue(`cameras.${i}`,Y(i),ce(i)?"":"removed; its footage is there")}
          ${J.map(g=>de(`cameras.${i}.${g.key}`,g.label,Y(i),g.key==="age_hours"?"as the disk allows":"none"))}</tr>`)}</tbody>
      </table></div>`}
      <p class="press-row">
        <button type="button" class="button" disabled=${p||w.value} onClick=${()=>f(!1)} data-testid="retention-preview">Show what would go</button>
        <button type="submit" class="button primary" disabled=${p||w.value} data-testid="retention-apply">Apply</button></p>
    </form>
    ${l&&a`<${Ye} plan=${l} name=${Y} />`}
  </section>`}function Ye({plan:e,name:t}){return a`<div role="status" data-testid="retention-plan">${e.map(s=>a`<div key=${s.volume}>
    <p><b>${s.volume}</b>: ${s.segments===0?"nothing would be deleted.":a`${x(s.segments,"file")}, ${b(s.bytes)}, would be deleted: ${Object.entries(s.bytes_by_rule??{}).filter(([,o])=>o>0).map(([o,n])=>`${b(n)} ${Xe[o]??o}`).join(", ")}.`}</p>
    <ul class="muted small">${Object.entries(s.oldest??{}).map(([o,n])=>a`<li key=${o}>${t(o)} ${s.segments>0?"would begin":"begins"} at ${D(Date.parse(n),_.value)}</li>`)}</ul>
  </div>`)}</div>`}function Se(e){setTimeout(()=>document.getElementById(e)?.focus())}var r=e=>e==null||typeof e=="object"?"":String(e),ie=e=>{let t=r(e.reason??e.state_reason);return t?E(t):""},W=e=>{let t=r(e.address).replace(/^\[(.*)\]:\d+$/,"$1").replace(/^([^:]+):\d+$/,"$1");return t?`from ${t}`:""},L=e=>r(e.user)||"Somebody",j=e=>(t,s)=>({text:e(s),detail:ie(t)}),T=(e,t)=>{let s=Date.parse(r(e));return Number.isFinite(s)?Z(s,t):""},et={free_floor:["The disk reached its floor: the oldest footage is being deleted","The disk is above its floor again"],nothing_to_prune:["The disk is full and nothing on it may be deleted","There is footage again that may be deleted"],floor_unsatisfiable:["The disk is smaller than its floor","The floor fits the disk again"],prune_not_recovering_space:["Deleting footage does not free space","Deleting footage frees space again"],size_cap:["The disk holds as much footage as it may: the oldest is being deleted","Nothing is deleted for the cap any more"],locked_exceeds_cap:["Kept footage alone is more than the disk may hold","Kept footage fits under the cap again"],locked_exceeds_quota:["Kept footage alone is more than a camera may have","Kept footage fits under the quotas again"],evidence_fills_disk:["Kept footage leaves little room to record","Kept footage leaves room to record again"],delete_failed:["Footage could not be deleted","Footage can be deleted again"],disk_stats_unavailable:["The disk does not tell how full it is","The disk tells how full it is again"],reserve:["The disk is below its reserve: recording rests","The disk has room again"]},tt={disk:"writing to the disk",index:"the index of footage",sweeper:"the sweeper"},st={worn:"The disk is worn",failing:"The disk is failing",good:"The disk is well again",unknown:"The disk does not tell its wear any more"},Be={evidence_hold:"the last 5 minutes are kept",stop:"the recorder stops cleanly",claim_code_shown:"the claim code is on the console",none:"nothing to do"},at={age:"as old as they may get",quota:"their camera has its share",size_cap:"the disk holds as much as it may",free_floor:"the oldest, for free space"},ot={press:"pressed",hold:"held for 3 s",long:"held for 10 s",broken:"held far too long"},nt={watchdog_reset:e=>{let t=Array.isArray(e.causes)?e.causes:[];return{text:`The watchdog restarted the machine: ${t.map(s=>tt[r(s.check)]??r(s.check)).join(" and ")||"something"} had hung`,detail:t.map(s=>r(s.reason)).join("; ")}},clock_stepped:e=>({text:`The clock was set ${P(Math.abs(Number(e.seconds)||0)*1e3)} ${Number(e.seconds)<0?"back":"forward"}`}),disk_health:e=>({text:`${st[r(e.status)]??"The disk changed"}${r(e.volume)?` (${r(e.volume)})`:""}`,detail:r(e.reason)}),camera_recording:j(e=>`${e} records`),camera_live:j(e=>`${e} is live, not recorded`),camera_connecting:j(e=>`${e} is connecting`),camera_interrupted:j(e=>`${e} was interrupted`),camera_offline:j(e=>`${e} went offline`),camera_error:j(e=>`${e} has an error`),camera_disabled:j(e=>`${e} was switched off`),camera_added:(e,t)=>({text:`${r(e.name)||t} was added`}),camera_removed:(e,t)=>({text:`${r(e.name)||t} was removed`}),recording_gap:(e,t,s)=>({text:`${t} lost ${P(Number(e.seconds)*1e3||0)}: ${fe(r(e.reason))}`,detail:T(e.start,s)?`${T(e.start,s)} – ${T(e.end,s)}`:""}),auth_claimed:e=>({text:`${L(e)} claimed this recorder`,detail:W(e)}),auth_login:e=>({text:`${L(e)} signed in`,detail:W(e)}),auth_logout:e=>({text:`${L(e)} signed out`,detail:W(e)}),auth_login_failed:e=>({text:r(e.user)?`A wrong password for ${L(e)}`:"Somebody failed to sign in",detail:W(e)}),auth_login_throttled:e=>({text:"Too many failed attempts to sign in: slowed down",detail:W(e)}),system_started:e=>({text:"The recorder started",detail:r(e.version)&&`version ${r(e.version)}`}),system_stopped:()=>({text:"The recorder stopped cleanly"}),system_recovered:e=>({text:"The recorder put its footage in order after an unclean stop",detail:r(e.summary)}),volume_lost:e=>({text:`Disk ${r(e.volume)} was lost`,detail:ie(e)}),volume_absent:e=>({text:`Disk ${r(e.volume)} cannot be used`,detail:ie(e)}),volume_present:e=>({text:`Disk ${r(e.volume)} is there`}),volume_resting:e=>({text:`Disk ${r(e.volume)} was taken out of use`}),disk_offered:e=>({text:`A disk was plugged in that nobody uses (${r(e.model)||r(e.disk)})`,detail:"Status shows it, and what may be done with it"}),disk_mounted:e=>({text:`The disk of ${r(e.volume)} was mounted`}),disk_prepared:e=>({text:`A disk was prepared for ${r(e.volume)}`}),disk_prepare_failed:e=>({text:`A disk could not be prepared for ${r(e.volume)}`,detail:r(e.error)}),disk_pulled:e=>({text:`The disk of ${r(e.volume)} was pulled without being removed first`}),disk_removed:e=>({text:`The disk of ${r(e.volume)} may be unplugged`}),disk_prepare_asked:e=>({text:`${L({user:e.by})} had disk ${r(e.disk)} erased for ${r(e.volume)}`}),disk_use_asked:e=>({text:`${L({user:e.by})} gave disk ${r(e.disk)} to ${r(e.volume)}`}),disk_remove_asked:e=>({text:`${L({user:e.by})} wants the disk of ${r(e.volume)} removed`}),volume_replaced:e=>({text:`Disk ${r(e.volume)} was replaced by another one`}),footage_restamped:(e,t,s)=>({text:"Footage from before the clock was set has its true time now",detail:typeof e.segments=="number"?`${x(e.segments,"file")}${T(e.from,s)?` from ${T(e.from,s)}`:""}`:""}),disk_pressure:e=>{let[t,s]=et[r(e.reason)]??[`The disk: ${r(e.reason).replace(/_/g," ")}`,`The disk: ${r(e.reason).replace(/_/g," ")} is over`];return{text:e.cleared?s:t}},evidence_hold:(e,t,s)=>({text:T(e.from,s)?`Footage from ${T(e.from,s)} to ${T(e.to,s)} is kept as evidence`:"Footage is kept as evidence",detail:typeof e.segments=="number"?x(e.segments,"file")+" so far":""}),evidence_released:(e,t,s)=>({text:`Footage from ${T(e.from,s)} to ${T(e.to,s)} is not kept any more`,detail:r(e.by)&&`released by ${r(e.by)}`}),retention_changed:e=>({text:`${r(e.by)||"Somebody"} changed how much footage is kept`}),retention_delete:e=>({text:`${x(Number(e.deleted)||0,"file")} deleted: ${at[r(e.reason)]??r(e.reason).replace(/_/g," ")}`}),evidence_hold_failed:e=>({text:"Footage could not be kept as evidence",detail:r(e.error)}),button:e=>({text:`The button was ${ot[r(e.gesture)]??"used"}${Be[r(e.action)]?`: ${Be[r(e.action)]}`:""}`,detail:r(e.error)})},Ie=e=>{let t=e.replace(/[._]+/g," ").trim();return t.charAt(0).toUpperCase()+t.slice(1)};function Le(e,t="",s="utc"){let o=e.payload??{},n=e.type==="camera_state"||e.type==="camera.state"?`camera_${r(o.state)}`:e.type,d=nt[n.replace(".","_")];if(d){let{text:h,detail:m=""}=d(o,t||"A camera",s);return{text:h,detail:m}}let u=r(o.message)||(t?`${t}: ${Ie(e.type).toLowerCase()}`:Ie(e.type)),p=Object.entries(o).filter(([h,m])=>h!=="message"&&r(m)).slice(0,4).map(([h,m])=>`${h.replace(/_/g," ")} ${r(m)}`).join(", ");return{text:u,detail:p}}function rs(){let e=y.value;return a`<main id="main" class="screen status">
    <header class="screen-head"><h1 tabIndex=${-1}>Status</h1>
      <p class="muted" data-testid="about">${[e.board.name||e.system.board||e.board.board,e.system.version||e.version,e.system.uptime_s!==void 0?`up ${P(e.system.uptime_s*1e3)}`:""].filter(Boolean).join(" · ")}</p></header>
    <${it} />
    <div class="status-grid">
      <${_e} />
      <div class="status-side">
        <${dt} />
        <${pt} />
      </div>
      <${$t} />
      <${Re} />
      <${bt} />
      <${Ne} />
      <${gt} />
    </div>
  </main>`}var rt={recording:{good:!0,icon:"check",says:"Everything is in order"},starting:{icon:"clock",says:"Starting"},updating:{icon:"clock",says:"Updating"},degraded:{icon:"warn",says:"Something needs a look"},fault:{icon:"cross",says:"Something is wrong"},stopped:{icon:"cross",says:"Not recording"}};function it(){let e=y.value.board;if(!e.state)return null;let t=rt[e.state]??{icon:"info",says:e.state},s=(e.reasons??[]).map(n=>E(n.replace(/^[a-z ]+: /,""))),o=t.good&&!he.value.wanted?"In order, but no camera is to be recorded yet":t.says;return a`<div class="overall overall-${e.state}" role="status" data-testid="overall" data-state=${e.state}>
    <${v} name=${t.icon} /><b>${o}</b>
    ${s.length>0&&a`<ul>${s.map(n=>a`<li key=${n}>${n}</li>`)}</ul>`}
  </div>`}function lt(e){let t=A(null);if(e.write_bytes_per_s)return e.write_bytes_per_s;let s=I.value.reduce((d,l)=>d+(l.state==="recording"?l.bitrate_bps??0:0),0)/8;if(s>0)return s;let o=U.value;(!t.current||e.footage_bytes<t.current.bytes)&&(t.current={at:o,bytes:e.footage_bytes});let n=(o-t.current.at)/1e3;return n>20?(e.footage_bytes-t.current.bytes)/n:0}function dt(){let e=y.value.system.volumes??[];return a`<section class="card" aria-labelledby="disk-h"><h2 id="disk-h">${e.length>1?"Disks":"Disk"}</h2>
    ${e.length===0&&a`<p class="muted">No footage disk.</p>`}
    ${e.map(t=>a`<${["absent","foreign","resting"].includes(t.state)||!t.total_bytes?ct:ut} key=${t.name??t.id} v=${t} named=${e.length>1} />`)}
    ${y.value.system.promise_s?a`<p class="muted small">A power cut costs at most ${y.value.system.promise_s} s of footage.</p>`:null}
  </section>`}var je={ok:"In order",healthy:"In order",recording:"In order",full:"Full",pressure:"Too full",failed:"Failed",readonly:"Read only",read_only:"Read only",absent:"Not there",foreign:"Another disk",resting:"May be unplugged"},Fe=(e,t)=>t&&e.name?a`<b class="disk-name">${e.name}</b> `:null;function ct({v:e,named:t}){let[s,o]=$(!1),n=async()=>{o(!0);try{await pe.adopt(e.name??"",e.other??""),k("good","The disk is being taken in use.")}catch(d){k("error",d.message)}finally{o(!1)}};return a`<div class="disk" data-testid="disk-${e.name??e.id}">
    <p class="disk-head">${Fe(e,t)}<span class="mono">${e.path??""}</span>
      <span class="tag tag-bad"><${v} name="warn" size=${14} />${je[e.state]??e.state}</span></p>
    ${e.reason&&a`<p class="disk-says bad">${E(e.reason)}</p>`}
    ${e.state==="foreign"&&e.other&&B.value?.role==="admin"&&a`<p><button class="button" type="button" disabled=${s||w.value} onClick=${n} data-testid="adopt-${e.name}">Use this disk</button>
      <span class="muted small"> Its footage stays and is shown; new footage goes to it.</span></p>`}
  </div>`}function ut({v:e,named:t}){let s=lt(e),o=e.days_left||me(e,s),n=Math.max(1,e.total_bytes),d=f=>Math.min(100,Math.max(0,f/n*100)),l=e.total_bytes-e.free_bytes,u=Math.min(e.held_bytes,e.footage_bytes),p=Math.max(0,l-e.footage_bytes),h=e.free_bytes<e.reserve_bytes?"reserve":e.free_bytes<e.floor_bytes?"floor":"",m=["ok","healthy","recording","open","in order"].includes(e.state||"ok"),R=[{k:"other",w:d(p)},{k:"held",w:d(u)},{k:"footage",w:d(e.footage_bytes-u)}],c=0;return a`<div class="disk" data-testid="disk-${e.id}">
    <p class="disk-head">${Fe(e,t)}<b>${b(e.free_bytes)} free</b> of ${b(e.total_bytes)} <span class="tag">${e.medium&&e.medium!=="unknown"?e.medium.toUpperCase():"Disk"}</span>
      <span class="tag ${m?"tag-good":"tag-bad"}"><${v} name=${m?"check":"warn"} size=${14} />${je[e.state]??e.state??"In order"}</span></p>
    <svg class="disk-bar" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="${b(e.footage_bytes)} footage, ${b(u)} of it held, ${b(p)} other, ${b(e.free_bytes)} free">
      <rect class="bar-free" x="0" y="0" width="100" height="10" />
      ${R.map(f=>{let F=c;return c+=f.w,a`<rect key=${f.k} class="bar-${f.k}" x=${F} y="0" width=${f.w} height="10" />`})}
      <rect class="bar-line bar-high" x=${100-d(e.high_bytes)} y="0" width="0.4" height="10" />
      <rect class="bar-line bar-floor" x=${100-d(e.floor_bytes)} y="0" width="0.4" height="10" />
      <rect class="bar-line bar-reserve" x=${Math.min(99.6,100-d(e.reserve_bytes))} y="0" width="0.4" height="10" />
    </svg>
    <ul class="legend">
      <li><i class="key key-footage"></i>Footage <b>${b(e.footage_bytes-u)}</b></li>
      ${u>0&&a`<li><i class="key key-held"></i>Held <b>${b(u)}</b></li>`}
      <li><i class="key key-other"></i>Other <b>${b(p)}</b></li>
      <li><i class="key key-high"></i>High mark <b>${b(e.high_bytes)}</b></li>
      <li><i class="key key-floor"></i>Floor <b>${b(e.floor_bytes)}</b></li>
      <li><i class="key key-reserve"></i>Reserve <b>${b(e.reserve_bytes)}</b></li>
    </ul>
    ${e.state==="failed"&&e.reason&&a`<p class="disk-says bad">${E(e.reason)}</p>`}
    <p class="disk-says ${h?"bad":""}">${h==="reserve"?a`<${v} name="warn" size=${16} /> Below the reserve: recording on this disk has stopped.`:h==="floor"?a`<${v} name="warn" size=${16} /> Below the floor: the oldest footage is being deleted now.`:o===null?"How long footage is kept shows once the write rate is known.":a`Keeps <b>about ${Pe(o)}</b> at ${ae(s*8)}.`}</p>
    <${mt} v=${e} />
  </div>`}function mt({v:e}){let t=e.wear;if(!t)return null;let s=t.status==="worn"||t.status==="failing",o=t.years_left;return a`<p class="disk-says ${s?"bad":""}" data-testid="wear-${e.id}" data-status=${t.status}>
    ${s&&a`<${v} name="warn" size=${16} /> `}${t.status==="unknown"?`Wear not known: ${t.reason??"the disk does not tell"}.`:t.status==="good"?`The disk says it is well${t.used_percent===void 0?"":`: ${t.used_percent} % of its life is used`}.`:E(t.reason??"The disk is worn")}
    ${o!==void 0&&a` Lasts <b>about ${o>=100?"a lifetime":o<1?x(Math.max(1,Math.round(o*12)),"month"):x(Math.round(o),"year")}</b>${t.estimated?", as such disks usually do":""}.`}
  </p>`}function Pe(e){return e<1?x(Math.max(1,Math.round(e*24)),"hour"):e<10?`${e.toFixed(1)} days`:x(Math.round(e),"day")}var ht={ntp:"network time",rtc:"the battery clock",network:"network time",sntp:"network time",system:"the operating system",kernel:"the operating system",simulated:"the computer it runs on"};function pt(){let e=y.value,t=e.system.clock,s=_.value,o=Math.abs(e.skew);return a`<section class="card clockcard" aria-labelledby="clock-h"><h2 id="clock-h">Clock</h2>
    <p class="clock-big mono">${Z(te.value,s)} <small>${s==="utc"?"UTC":"local"}</small></p>
    <p class=${t?.trusted===!1?"bad":""}><${v} name=${t?.trusted===!1?"warn":"check"} size=${16} />
      ${t===void 0?" Not known":t.trusted?` Trusted${t.source?`, set by ${ht[t.source]??t.source}`:""}`:" Not trusted yet: footage is kept and stamped again once it is."}</p>
    ${o>5e3&&a`<p class="warnline"><${v} name="warn" size=${16} /> ${P(o)} ${e.skew>0?"ahead of":"behind"} this device.</p>`}
  </section>`}function $t(){let e=I.value;return a`<section class="card span2" aria-labelledby="cams-h"><h2 id="cams-h">Cameras</h2>
    ${e.length===0?a`<p class="muted">None yet.</p>`:a`<div class="table-box"><table class="table stackable">
      <thead><tr><th scope="col">Camera</th><th scope="col">State</th><th scope="col">Last written</th><th scope="col">Rate</th><th scope="col">Reaches back</th><th scope="col">Drops</th></tr></thead>
      <tbody>${e.map(t=>a`<${ft} key=${t.id} c=${t} />`)}</tbody>
    </table></div>`}
  </section>`}function ft({c:e}){let t=e.last_written?Date.parse(e.last_written):NaN,s=te.value-t,o=Math.max(0,...(y.value.system.volumes??[]).map(d=>d.camera_days?.[e.id]??0)),n=e.state==="recording"&&s>15e3;return a`<tr data-testid="status-camera-${e.id}">
    <th scope="row"><a href="#/cameras/${encodeURIComponent(e.id)}">${e.name}</a></th>
    <td data-label="State"><${ge} state=${e.state} />${e.state_reason&&e.state!=="recording"&&a`<small class="why">${E(e.state_reason)}</small>`}</td>
    <td data-label="Last written" class=${n?"bad":""}>${Number.isFinite(t)?a`${n&&a`<${v} name="warn" size=${14} /> `}${$e(s)}`:a`<span class="muted">never</span>`}</td>
    <td data-label="Rate" class="mono">${e.bitrate_bps&&be(e)?ae(e.bitrate_bps):"–"}</td>
    <td data-label="Reaches back" class="mono">${o>0?Pe(o):"–"}</td>
    <td data-label="Drops" class="mono ${e.drops?"warnline":""}">${e.drops??0}</td>
  </tr>`}function bt(){let[e,t]=$([]),s=ke(),o=()=>se.list().then(l=>t(l.reverse())).catch(()=>t([]));C(()=>{o()},[s]);let n=async l=>{try{await se.release(l.id),k("good","Released: it is deleted when its time comes.")}catch(u){k("error",u instanceof q?u.message:"It could not be released.")}o()};if(e.length===0)return null;let d=["admin","manager"].includes(B.value?.role??"");return a`<section class="card span2" aria-labelledby="kept-h"><h2 id="kept-h">Kept footage</h2>
    <div class="table-box"><table class="table stackable" data-testid="kept">
      <thead><tr><th scope="col">Cameras</th><th scope="col">From</th><th scope="col">To</th><th scope="col">By</th>${d&&a`<th scope="col"><span class="sr">Release</span></th>`}</tr></thead>
      <tbody>${e.slice(0,100).map(l=>a`<tr key=${l.id} data-testid="kept-${l.id}">
        <th scope="row">${(l.cameras??[]).map(u=>I.value.find(p=>p.id===u)?.name??u).join(", ")}</th>
        <td data-label="From" class="mono">${D(Date.parse(l.from),_.value)}</td>
        <td data-label="To" class="mono">${D(Date.parse(l.to),_.value)}</td>
        <td data-label="By">${l.by}${l.reason&&a` <small>${l.reason}</small>`}${l.until&&a` <small>until ${D(Date.parse(l.until),_.value)}</small>`}</td>
        ${d&&a`<td><button type="button" class="button" onClick=${()=>n(l)} data-testid="release-${l.id}">Release</button></td>`}
      </tr>`)}</tbody>
    </table></div>
  </section>`}function gt(){let e=y.value.events;return a`<section class="card span2" aria-labelledby="events-h"><h2 id="events-h">What happened</h2>
    ${e.length===0?a`<p class="muted">Nothing yet.</p>`:a`<ol class="events" data-testid="events">${e.slice(0,100).map(t=>a`<${yt} key=${t.seq} e=${t} />`)}</ol>`}
  </section>`}function yt({e}){let t=I.value.find(n=>n.id===e.camera)?.name??e.camera,s=e.severity==="critical"?"cross":e.severity==="warning"?"warn":"info",o=Le(e,t,_.value);return a`<li class="event event-${e.severity}">
    <${v} name=${s} size=${16} /><span class="sr">${e.severity}: </span>
    <time class="mono" dateTime=${e.time}>${D(Date.parse(e.time),_.value)}</time>
    <span class="event-text">${o.text}${o.detail&&a` <small>${o.detail}</small>`}</span>
  </li>`}export{rs as StatusScreen};
